package main

import (
	"strings"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// noLoader is where nobody serves schemas: these programs need none.
const noLoader = "127.0.0.1:1"

func TestAProgramInHCLBecomesPython(t *testing.T) {
	response, err := newClient(t, "").GenerateProgram(t.Context(), &pulumirpc.GenerateProgramRequest{
		LoaderTarget: noLoader,
		Source: map[string]string{"main.pp": `
config size number { default = 3 }
output doubled { value = size * 2 }
`},
	})
	must(t, err)

	if len(response.Diagnostics) != 0 {
		t.Errorf("diagnostics were %v", response.Diagnostics)
	}
	generated := string(response.Source["__main__.py"])
	for _, line := range []string{"import pulumi\n", `config.get_float("size")`, `pulumi.export("doubled", size * float(2))`} {
		if !strings.Contains(generated, line) {
			t.Errorf("no %q in\n%s", line, generated)
		}
	}
}

func TestErrorsInHCLNameTheirPlace(t *testing.T) {
	cases := map[string]string{"syntax": "output {", "meaning": "output wrong { value = missing }"}
	for name, source := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := newClient(t, "").GenerateProgram(t.Context(), &pulumirpc.GenerateProgramRequest{
				LoaderTarget: noLoader, Strict: true, Source: map[string]string{"main.pp": source},
			})

			expectError(t, "main.pp:0,", err)
		})
	}
}

func TestGeneratingNeedsAServerOfSchemas(t *testing.T) {
	_, err := newClient(t, "").GenerateProgram(t.Context(), &pulumirpc.GenerateProgramRequest{})

	expectError(t, "no server to load schemas from", err)
}
