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

func TestTypeCheckersAreTakenByName(t *testing.T) {
	for name, expected := range map[string]string{"mypy": "Mypy", "pyright": "Pyright"} {
		options, err := pythonOptions(programInfo(t, map[string]any{"typechecker": name}))
		must(t, err)
		expectText(t, expected, toolchain.TypeCheckerName(options.Typechecker))
	}
}

func TestWrongOptionsAreNamed(t *testing.T) {
	cases := map[string]struct {
		options map[string]any
		message string
	}{
		"unknown toolchain":    {map[string]any{"toolchain": "conda"}, "unsupported toolchain option: conda"},
		"empty toolchain":      {map[string]any{"toolchain": ""}, "unsupported toolchain option: "},
		"toolchain no text":    {map[string]any{"toolchain": 1}, "toolchain option must be a string"},
		"virtualenv no text":   {map[string]any{"virtualenv": true}, "virtualenv option must be a string"},
		"unknown type checker": {map[string]any{"typechecker": "pytype"}, "unsupported typechecker option: pytype"},
		"type checker no text": {map[string]any{"typechecker": false}, "typechecker option must be a string"},
	}
	for name, given := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := pythonOptions(programInfo(t, given.options))
			expectError(t, given.message, err)
		})
	}
}

func TestOnlyAPluginHasAnEnvironmentOfItsOwnByDefault(t *testing.T) {
	cases := map[string]map[string]any{
		"venv": {}, "env": {"virtualenv": "env"}, "": {"toolchain": "uv"},
	}
	for expected, given := range cases {
		options, err := pythonOptions(programInfo(t, given))
		must(t, err)
		expectText(t, expected, pluginOptions(options).Virtualenv)
	}
}
