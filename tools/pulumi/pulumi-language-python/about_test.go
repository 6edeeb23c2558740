package main

import (
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// listing is a Python of a virtual environment that knows two packages.
const listing = `#!/bin/sh
echo '[{"name": "pulumi", "version": "3.1.0"}, {"name": "Pydantic_Core", "version": "2.0"}]'
`

func TestAboutNamesThePythonOfTheProgram(t *testing.T) {
	info := programInfo(t, map[string]any{"virtualenv": "env"})
	makeVirtualenv(t, info.RootDirectory+"/env")
	about, err := newClient(t, "").About(t.Context(), &pulumirpc.AboutRequest{Info: info})
	must(t, err)

	expectText(t, info.RootDirectory+"/env/bin/python", about.Executable)
	expectText(t, "3.", about.Version[:2])
}

func TestTheDependenciesAreThePackagesOfTheProgramsPython(t *testing.T) {
	info := programInfo(t, map[string]any{"virtualenv": "env"})
	writeFile(t, info.RootDirectory, "env/bin/python", listing)
	request := &pulumirpc.GetProgramDependenciesRequest{Info: info, TransitiveDependencies: true}
	response, err := newClient(t, "").GetProgramDependencies(t.Context(), request)
	must(t, err)

	if len(response.Dependencies) != 2 {
		t.Fatalf("dependencies were %v", response.Dependencies)
	}
	expectText(t, "pulumi", response.Dependencies[0].Name)
	expectText(t, "3.1.0", response.Dependencies[0].Version)
}
