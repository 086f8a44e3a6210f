#!/usr/bin/env bash
# Runs a command while a satchel with a tiny chat model and one document serves;
# OPENAI_BASE_URL and OPENAI_API_KEY say where, as OpenAI's clients expect.
#   tests/clients/with_server.sh COMMAND...
# With WITHOUT_MODEL set there is no chat model: answers are quotes.
set -euo pipefail
cd "$(dirname "$0")/../.."

built=${CARGO_TARGET_DIR:-$PWD/target}/debug
folder=$(mktemp -d)
data=$folder/data
server=
finish() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap finish EXIT

is_ready() {
    [ -n "${WITHOUT_MODEL:-}" ] || grep -q 'the chat model is ready' "$folder/printed"
}

mkdir -p "$data/models"
if [ -z "${WITHOUT_MODEL:-}" ]; then
    "$built/examples/tiny_model" "$data/models/tiny.gguf"
    # A file that was written just now might still be growing, and would be waited for.
    touch -d '1 minute ago' "$data/models/tiny.gguf"
fi
cat >"$folder/lighthouse.md" <<'DOCUMENT'
# Lighthouse of Marrow Point

The lighthouse was built in 1874 by the engineer Adela Thornqvist. Its tower is 41 metres high.

The first keeper of the lighthouse was Tobias Grenn, who served for twenty-two years.
DOCUMENT

mkdir -p "$folder/shown/papers"
"$built/satchel" serve --listen 127.0.0.1:0 --data-dir "$data" --rate-limit 0 --handbook false \
    --watchable "$folder/shown" \
    >"$folder/printed" 2>&1 &
server=$!
for _ in $(seq 600); do
    if is_ready && grep -q 'Stop' "$folder/printed"; then
        break
    fi
    if ! kill -0 "$server" 2>/dev/null; then
        break
    fi
    sleep 0.1
done
origin=$(grep -oE 'http://127\.0\.0\.1:[0-9]+' "$folder/printed" | head -1 || true)
if [ -z "$origin" ] || ! is_ready; then
    echo "the server did not start:"
    cat "$folder/printed"
    exit 1
fi
"$built/satchel" ingest --data-dir "$data" "$folder/lighthouse.md"

# Whatever proxy there is, the server is on this machine.
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1
export OPENAI_BASE_URL=$origin/v1
OPENAI_API_KEY=$("$built/satchel" keys add --data-dir "$data" clients 2>/dev/null)
export OPENAI_API_KEY
"$@"
