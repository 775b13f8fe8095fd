#!/bin/sh
# install.sh VENV ARGUMENTS...: what `pip install ARGUMENTS` does, in a virtual environment.
# uv takes seconds where pip takes minutes. pip does it where uv cannot, and where an index of one's own is set: uv knows nothing of
# pip's settings and would ask the public index instead.
set -eu
python=$1/bin/python
uv=$1/bin/uv
shift

install() { "$python" -m pip install --quiet --disable-pip-version-check "$@"; }

own_index() { "$python" -m pip config list | grep -qE '[.:](index-url|no-index)='; }

with_uv() {
  if own_index; then return 1; fi
  [ -x "$uv" ] || install "$(grep '^uv==' requirements-dev.txt)" || return 1
  "$uv" pip install --quiet --python "$python" "$@"
}

with_uv "$@" 2>/dev/null || install "$@"
