#!/bin/sh
# Create the resources to import, without Pulumi, and print their ids as variables for the shell.
set -eu

request() {  # print a field of the response: request FIELD KEY PATH [curl's options]
  field=$1 key=$2 path=$3
  shift 3
  curl -sS -H "Authorization: Bearer $key" "$@" "$OPENAI_BASE_URL/$path" |
    python3 -c "import json, sys; print(json.load(sys.stdin)['$field'])"
}

upload() {
  request id "$OPENAI_API_KEY" files -F purpose=fine-tune -F "file=@../data/$1"
}

training=$(upload customer_support.jsonl)
validation=$(upload customer_support_validation.jsonl)
job=$(request id "$OPENAI_API_KEY" fine_tuning/jobs -H 'Content-Type: application/json' -d '{
  "model": "gpt-4o-mini-2024-07-18", "training_file": "'"$training"'", "validation_file": "'"$validation"'",
  "suffix": "support", "seed": 7, "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}}
}')
until [ "$(request status "$OPENAI_API_KEY" "fine_tuning/jobs/$job")" = succeeded ]; do
  sleep 1
done
model=$(request fine_tuned_model "$OPENAI_API_KEY" "fine_tuning/jobs/$job")
request data "$OPENAI_ADMIN_KEY" "fine_tuning/checkpoints/$model/permissions" -H 'Content-Type: application/json' \
  -d '{"project_ids": ["proj_partner_team"]}' >/dev/null

echo "training=$training validation=$validation job=$job model=$model"
