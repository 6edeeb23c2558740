package main

import (
	"encoding/json"
	"os/exec"
	"strconv"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// addEnvironment appends to what the command has, which is this process's environment unless a toolchain set another.
func addEnvironment(cmd *exec.Cmd, variables ...string) {
	cmd.Env = append(cmd.Environ(), variables...)
}

func programEnvironment(req *pulumirpc.RunRequest) []string {
	return []string{
		"PULUMI_CONFIG=" + configJSON(req.GetConfig()),
		"PULUMI_CONFIG_SECRET_KEYS=" + keysJSON(req.GetConfigSecretKeys()),
	}
}

// packEnvironment tells a policy pack about the stack. There is none when a pack is looked at on its own.
func packEnvironment(stack *pulumirpc.AnalyzerStackConfigureRequest) []string {
	if stack == nil {
		return nil
	}
	return []string{
		"PULUMI_PROJECT=" + stack.GetProject(),
		"PULUMI_STACK=" + stack.GetStack(),
		"PULUMI_ORGANIZATION=" + stack.GetOrganization(),
		"PULUMI_DRY_RUN=" + strconv.FormatBool(stack.GetDryRun()),
		"PULUMI_CONFIG=" + configJSON(stack.GetConfig()),
	}
}

// configJSON writes {} where there is no configuration: the SDK does not take null.
func configJSON(config map[string]string) string {
	if config == nil {
		config = map[string]string{}
	}
	return toJSON(config)
}

// keysJSON writes [] where there are no keys, for the same reason.
func keysJSON(keys []string) string {
	if keys == nil {
		keys = []string{}
	}
	return toJSON(keys)
}

func toJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(text)
}
