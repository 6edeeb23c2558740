package main

import (
	"strings"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// checker is a type checker that prints its arguments and reports an error.
const checker = `
import sys
sys.stderr.write(f"checked {' '.join(sys.argv[1:])}\nfound an error\n")
sys.exit(1)
`

func TestTheTypeCheckerRunsBeforeTheProgram(t *testing.T) {
	for _, name := range []string{"mypy", "pyright"} {
		site := makeSite(t)
		site.install(t, name, "1.0")
		writeFile(t, site.folder, name+"/__main__.py", checker)
		site.info.Options = programInfo(t, map[string]any{"virtualenv": "env", "typechecker": name}).Options
		_, err := newClient(t, "raise SystemExit(3)").Run(t.Context(), &pulumirpc.RunRequest{Info: site.info})

		expectError(t, name+" failed: exit status 1", err)
		expectError(t, "found an error", err)
		if excludes := strings.Contains(err.Error(), "checked --exclude env "); excludes != (name == "mypy") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAMissingTypeCheckerIsNamed(t *testing.T) {
	site := makeSite(t)
	site.info.Options = programInfo(t, map[string]any{"virtualenv": "env", "typechecker": "mypy"}).Options
	_, err := newClient(t, "").Run(t.Context(), &pulumirpc.RunRequest{Info: site.info})

	expectError(t, "The typechecker option is set to mypy, but mypy is not installed. Please add an entry for mypy", err)
}

// Like the original: the path from the program to no virtual environment cannot be computed.
func TestMypyNeedsAVirtualenvOption(t *testing.T) {
	if _, err := checkerCommandOf(t, programInfo(t, map[string]any{"typechecker": "mypy"})); err == nil {
		t.Error("expected an error")
	}
}

func checkerCommandOf(t *testing.T, info *pulumirpc.ProgramInfo) (string, error) {
	t.Helper()
	python, err := resolveToolchain(info)
	must(t, err)
	cmd, err := checkerCommand(t.Context(), python, "mypy", info.ProgramDirectory)
	if err != nil {
		return "", err
	}
	return cmd.String(), nil
}
