// The API. The browser keeps what it was told and asks whether it still holds (ETag).
export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export async function read(path, asked = {}) {
  const query = new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== null && value !== undefined));
  const answer = await fetch(query.size ? `${path}?${query}` : path, { headers: { Accept: "application/json" } });
  if (answer.ok) return answer.json();
  const told = await answer.json().catch(() => ({}));
  throw new Problem(answer.status, told.detail ?? `the dashboard answered ${answer.status}`);
}

// The newest judgement; null before the first.
export const judgement = (board) => (board.verdict_as_of === null ? null : read("/verdict"));
