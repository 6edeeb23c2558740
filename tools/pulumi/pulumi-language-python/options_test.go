package main

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
)

func TestToolchainsAreTakenByName(t *testing.T) {
	cases := map[any]string{"pip": "Pip", "uv": "Uv", "poetry": "Poetry", nil: "Auto"}
	for name, expected := range cases {
		given := map[string]any{}
		if name != nil {
			given["toolchain"] = name
		}
		options, err := pythonOptions(programInfo(t, given))
		must(t, err)
		expectText(t, expected, toolchain.Name(options.Toolchain))
	}
}

func TestTheVirtualenvIsRelativeToTheRoot(t *testing.T) {
	info := programInfo(t, map[string]any{"virtualenv": "../env"})
	options, err := pythonOptions(info)
	must(t, err)

	expectText(t, "../env", options.Virtualenv)
	expectText(t, info.RootDirectory, options.Root)
}

func TestWrongOptionsAreNamed(t *testing.T) {
	cases := map[string]struct {
		options map[string]any
		message string
	}{
		"unknown toolchain":  {map[string]any{"toolchain": "conda"}, `toolchain must be pip, poetry or uv, not "conda"`},
		"toolchain no text":  {map[string]any{"toolchain": 1}, "toolchain must be a string, not 1"},
		"virtualenv no text": {map[string]any{"virtualenv": true}, "virtualenv must be a string, not true"},
		"type checker":       {map[string]any{"typechecker": "mypy"}, "typechecker is not supported"},
	}
	for name, given := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := pythonOptions(programInfo(t, given.options))
			expectError(t, given.message, err)
		})
	}
}
