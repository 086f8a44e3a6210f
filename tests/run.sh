#!/usr/bin/env bash
# Everything that must hold: formatting, lints, all tests, the APIs with OpenAI's
# own clients and with standard clients of event streams, the page in a browser.
#   tests/run.sh            runs what this machine can, and says what it skips and why
#   CI=true tests/run.sh    skips nothing: what is missing is a failure
# Some tests read published documents and collections too large for the repository,
# beside fixtures that hold the same in the small: from the folder SATCHEL_TEST_DATA,
# which must then have them all, or from ../shared/data where that is there.
set -uo pipefail
cd "$(dirname "$0")/.."

ci=${CI:-false}
# What is built once and thrown away is built faster without it.
if [ "$ci" = true ]; then export CARGO_INCREMENTAL=0; fi
failed=()
skipped=()
count=0
began=$SECONDS
# What the test runners print; their closing lines are repeated at the end.
printed=$(mktemp)
trap 'rm -f "$printed"' EXIT

step() { # step NAME COMMAND...
    local name=$1 start=$SECONDS
    shift
    count=$((count + 1))
    printf '\n== %s\n' "$name"
    if "$@"; then
        printf '== %s: passed in %d s\n' "$name" $((SECONDS - start))
    else
        printf '== %s: FAILED after %d s\n' "$name" $((SECONDS - start))
        failed+=("$name")
    fi
}

skip() { # skip NAME REASON
    if [ "$ci" = true ]; then
        printf '\n== %s: FAILED, it cannot run here: %s\n' "$1" "$2"
        failed+=("$1")
    else
        printf '\n== %s: SKIPPED: %s\n' "$1" "$2"
        skipped+=("$1")
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

rust_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --locked --no-fail-fast 2>&1 | tee -a "$printed"
    else
        cargo test --locked --no-fail-fast --lib --bins --tests 2>&1 | tee -a "$printed"
    fi
}

find_chromium() {
    local name
    for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
        if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

install_chromium() {
    command -v apt-get >/dev/null 2>&1 || return 1
    echo "installing Chromium with apt"
    as_root apt-get update -qq >/dev/null 2>&1
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        chromium fonts-liberation >/dev/null 2>&1
}

fetch_browser_packages() {
    echo "fetching the packages of tests/browser with npm"
    (cd tests/browser && npm ci --no-audit --no-fund --loglevel=error)
}

browser_tests() {
    CHROMIUM=$chromium SATCHEL_BIN=${CARGO_TARGET_DIR:-$PWD/target}/debug/satchel \
        node --test --test-concurrency=2 --test-timeout=600000 tests/browser/*.test.mjs 2>&1 | tee -a "$printed"
}

# A folder of Python packages that only the tests see.
fetch_python_client() {
    echo "fetching the packages of tests/clients with pip"
    if ! python3 -m venv "$venv" >/dev/null 2>&1; then
        command -v apt-get >/dev/null 2>&1 || return 1
        as_root apt-get update -qq >/dev/null 2>&1
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            python3-venv >/dev/null 2>&1
        python3 -m venv "$venv" || return 1
    fi
    "$venv/bin/pip" install --quiet --requirement tests/clients/requirements.txt
}

fetch_node_client() {
    echo "fetching the packages of tests/clients with npm"
    (cd tests/clients && npm ci --no-audit --no-fund --loglevel=error)
}

python_clients() {
    tests/clients/with_server.sh sh -c \
        '"$1" tests/clients/openai_client.py && "$1" tests/clients/event_streams.py && "$1" tests/clients/openapi_document.py' \
        - "$venv/bin/python" 2>&1 | tee -a "$printed"
}

documented_behaviour() {
    SCHEMATHESIS=$venv/bin/schemathesis tests/clients/schemathesis.sh 2>&1 | tee -a "$printed"
}

node_clients() {
    tests/clients/with_server.sh node --test --test-timeout=60000 \
        tests/clients/openai_client.mjs tests/clients/event_streams.mjs 2>&1 | tee -a "$printed"
}

# What a random model writes is in no selection: the examples are asked for quotes.
handbook_examples() {
    WITHOUT_MODEL=1 tests/clients/with_server.sh node --test --test-timeout=120000 tests/clients/handbook.mjs 2>&1 | tee -a "$printed"
}

# Alone, because it unloads the model of its server.
postman_collection() {
    tests/clients/with_server.sh node --test --test-timeout=180000 tests/clients/postman.mjs 2>&1 | tee -a "$printed"
}

# Without colour: nextest's summary, one result of cargo test a binary, the
# Python client's and node's totals.
closing_lines() {
    sed 's/\x1b\[[0-9;]*m//g' "$printed" |
        grep -E '^ *Summary \[|^test result: |^(openai|openapi:|schemathesis:|httpx-sse:) .* passed$|^(ℹ|#) (tests|pass|fail) [0-9]'
}

if [ -n "${SATCHEL_TEST_DATA:-}" ]; then
    SATCHEL_TEST_DATA=$(realpath -m "$SATCHEL_TEST_DATA")
    export SATCHEL_TEST_DATA
    published="read from $SATCHEL_TEST_DATA"
elif [ -d ../shared/data ]; then
    published="read from ../shared/data, as far as they are there"
else
    published="SKIPPED, no ../shared/data and no SATCHEL_TEST_DATA; the fixtures alone were read"
fi

step "formatting" cargo fmt --all --check
step "lints" cargo clippy --locked --all-targets -- -D warnings
step "tests" rust_tests
step "executable" cargo build --locked --bin satchel --example tiny_model

venv=${CARGO_TARGET_DIR:-$PWD/target}/clients-venv
if ! command -v python3 >/dev/null 2>&1; then
    skip "clients for Python" "Python is not installed"
elif ! fetch_python_client; then
    skip "clients for Python" "pip could not fetch it; it needs a network"
else
    step "clients for Python" python_clients
    step "behaviour as documented" documented_behaviour
fi

if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
    skip "clients for Node.js" "Node.js and npm are not installed"
elif ! fetch_node_client; then
    skip "clients for Node.js" "npm could not fetch it; it needs a network"
else
    step "clients for Node.js" node_clients
    step "examples of the handbook" handbook_examples
    step "Postman collection" postman_collection
fi

if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
    skip "browser tests" "Node.js and npm are not installed"
elif ! chromium=$(find_chromium) && { ! install_chromium || ! chromium=$(find_chromium); }; then
    skip "browser tests" "Chromium is not installed and apt could not install it"
elif ! fetch_browser_packages; then
    skip "browser tests" "npm could not fetch their packages; it needs a network"
else
    step "browser tests" browser_tests
fi

printf '\n'
closing_lines
printf 'published documents and collections: %s\n' "$published"
if [ ${#skipped[@]} -gt 0 ]; then
    printf 'skipped: %s\n' "${skipped[*]}"
fi
if [ ${#failed[@]} -gt 0 ]; then
    printf 'tests/run.sh: FAILED: %s (%d s)\n' "${failed[*]}" $((SECONDS - began))
    exit 1
fi
printf 'tests/run.sh: all %d steps passed in %d s\n' "$count" $((SECONDS - began))
