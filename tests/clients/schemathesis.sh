#!/usr/bin/env bash
# schemathesis against /openapi.json, each dialect on a server of its own: no 5xx,
# no status that is not documented, no answer that its schema does not allow.
#   tests/clients/schemathesis.sh                         every dialect, a few cases, always the same
#   tests/clients/schemathesis.sh --max-examples 200 TAG...   more cases, these dialects
# SCHEMATHESIS says which program; the report of each dialect is printed.
set -uo pipefail
cd "$(dirname "$0")/../.."

examples=4
if [ "${1:-}" = --max-examples ]; then
    examples=$2
    shift 2
fi
tags=("$@")
if [ ${#tags[@]} -eq 0 ]; then
    tags=(native openai conversations rag-chat chat-store orchestration chat-module)
fi

# Nothing waits for others, and nothing is fetched from outside.
export SATCHEL_PUBLIC_RATE_LIMIT=0 SATCHEL_TENANT_RATE_LIMIT=0
export SATCHEL_PUBLIC_CHAT=full HF_ENDPOINT=http://127.0.0.1:9

run() { # run OPTIONS...
    tests/clients/with_server.sh bash -c '"$@" --header "Authorization: Bearer $OPENAI_API_KEY" "${OPENAI_BASE_URL%/v1}/openapi.json"' - \
        "${SCHEMATHESIS:-schemathesis}" --no-color --config-file tests/clients/schemathesis.toml run \
        --max-examples "$examples" --seed 1 "$@"
}

# What never ends cannot be read to its end.
endless=(progress_of_all_documents progress_of_models)
# What could take away the caller's own access or limits is asked apart, without
# what lists the ids that it would need for that; what erases everything comes last.
ending=(end_all_sign_ins set_the_password delete_an_api_key change_a_user delete_a_user change_a_tenant delete_a_tenant)
erasing=erase_data

failed=()
for tag in "${tags[@]}"; do
    printf '\n-- %s\n' "$tag"
    if [ "$tag" != native ]; then
        run --include-tag "$tag" || failed+=("$tag")
        continue
    fi
    without=() with=()
    for id in "${endless[@]}" "${ending[@]}" "$erasing"; do without+=(--exclude-operation-id "$id"); done
    for id in "${ending[@]}"; do with+=(--include-operation-id "$id"); done
    run --include-tag native "${without[@]}" || failed+=("$tag")
    run "${with[@]}" --phases coverage,fuzzing || failed+=("$tag: ${ending[*]}")
    run --include-operation-id "$erasing" --phases coverage,fuzzing || failed+=("$tag: $erasing")
done

if [ ${#failed[@]} -gt 0 ]; then
    printf 'schemathesis: FAILED: %s\n' "${failed[*]}"
    exit 1
fi
printf 'schemathesis: %s passed\n' "${tags[*]}"
