// By which shape a competitor is known where it bought or sold: filled for an entry, hollow for an exit.
const SVG = "http://www.w3.org/2000/svg";
const turn = (corners, start, inner = 1) =>
  Array.from({ length: corners }, (_, index) => {
    const angle = start + (2 * Math.PI * index) / corners;
    const radius = index % 2 ? inner : 1;
    return [radius * Math.sin(angle), -radius * Math.cos(angle)];
  });
const SHAPES = [turn(24, 0), turn(4, Math.PI / 4), turn(4, 0), turn(3, 0), turn(3, Math.PI), turn(10, 0, 0.45), turn(6, 0), turn(8, 0, 0.55)];

const shape = (style) => SHAPES[style % SHAPES.length];

export function mark(style, entry) {
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", `M${shape(style).map(([x, y]) => `${(7 + 5 * x).toFixed(2)} ${(7 + 5 * y).toFixed(2)}`).join("L")}Z`);
  path.setAttribute("stroke-width", 1.8);
  path.style.stroke = `var(--c${style})`;
  path.style.fill = entry ? `var(--c${style})` : "none";
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "mark");
  svg.setAttribute("viewBox", "0 0 14 14");
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  return svg;
}

// The same on a canvas, its middle at x, y.
export function stamp(context, style, entry, x, y, size, colours) {
  context.beginPath();
  for (const [right, down] of shape(style)) context.lineTo(x + size * right, y + size * down);
  context.closePath();
  context.lineWidth = size / 2.4;
  context.strokeStyle = entry ? colours.card : colours.own;
  context.fillStyle = entry ? colours.own : colours.card;
  if (entry) context.stroke(); // an edge of the background, so that marks on each other can be told apart
  context.fill();
  if (!entry) context.stroke();
}
