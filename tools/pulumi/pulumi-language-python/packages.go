package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

//go:embed distributions.py
var distributionsScript string

// withoutPlugin holds packages that have no resource plugin and no pulumi-plugin.json that states it.
var withoutPlugin = map[string]bool{"pulumi-policy": true, "pulumi-esc-sdk": true}

const packagePrefix = "pulumi-"

// distribution is a Python package of the program's environment.
type distribution struct {
	Name     string
	Version  string
	Imported string // pulumi-plugin.json of the package that Python imports, "" where there is none
	Beside   string // pulumi-plugin.json beside the distribution's metadata, "" where there is none
}

// GetRequiredPackages returns the resource plugins that the packages in the program's environment announce. Like the
// original it first makes a virtual environment that does not exist yet.
func (h *host) GetRequiredPackages(
	ctx context.Context, req *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	python, err := resolveToolchain(req.GetInfo())
	if err != nil {
		return nil, err
	}
	log, err := h.engineLog(ctx)
	if err != nil {
		return nil, err
	}
	defer log.close()
	directory := req.GetInfo().GetProgramDirectory()
	if err := python.EnsureVenv(ctx, directory, false, true, log.info(), log.error()); err != nil {
		return nil, err
	}
	listed, err := packages(ctx, python)
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GetRequiredPackagesResponse{}
	for _, found := range listed {
		required, err := h.requiredPackage(found)
		if err != nil {
			return nil, err
		}
		if required != nil {
			response.Packages = append(response.Packages, required)
		}
	}
	return response, nil
}

// packages lists the packages of the environment: for uv and poetry those of the lock file, for pip those that are
// installed. The original runs pip for that; here it is one run of Python, which fails without pip as there.
func packages(ctx context.Context, python toolchain.Toolchain) ([]distribution, error) {
	installed, err := installedPackages(ctx, python)
	if err != nil {
		return nil, err
	}
	byName := map[string]distribution{}
	for _, found := range installed {
		byName[found.Name] = found
	}
	if usesPip(python) {
		if _, ok := byName["pip"]; !ok {
			return nil, errors.New("calling `python -m pip list --format json`: exit status 1: No module named pip")
		}
		return installed, nil
	}
	locked, err := python.ListPackages(ctx, true)
	if err != nil {
		return nil, err
	}
	var listed []distribution
	for _, found := range locked {
		known := byName[found.Name]
		listed = append(listed, distribution{found.Name, found.Version, known.Imported, known.Beside})
	}
	return listed, nil
}

func installedPackages(ctx context.Context, python toolchain.Toolchain) ([]distribution, error) {
	cmd, err := python.Command(ctx, "-c", distributionsScript)
	if err != nil {
		return nil, err
	}
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the packages of `%s`: %w", cmd.Args[0], withStderr(err))
	}
	var found []distribution
	if err := json.Unmarshal(output, &found); err != nil {
		return nil, err
	}
	return found, nil
}

// usesPip tells pip's toolchain from the others by its name: its type is not exported.
func usesPip(python toolchain.Toolchain) bool { return fmt.Sprintf("%T", python) == "*toolchain.pip" }

func withStderr(err error) error {
	if exit, ok := err.(*exec.ExitError); ok && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return err
}

// requiredPackage returns the plugin of a distribution, nil where it has none.
func (h *host) requiredPackage(found distribution) (*pulumirpc.PackageDependency, error) {
	if withoutPlugin[found.Name] {
		return nil, nil
	}
	described, err := h.pluginJSON(found)
	if err != nil {
		return nil, err
	}
	if described == nil {
		if !strings.HasPrefix(found.Name, packagePrefix) {
			return nil, nil
		}
		described = &plugin.PulumiPluginJSON{Resource: true}
	}
	if !described.Resource {
		return nil, nil
	}
	return dependency(found, described), nil
}

func (h *host) pluginJSON(found distribution) (*plugin.PulumiPluginJSON, error) {
	path := found.Beside
	if h.conduct.importsPackages() {
		path = found.Imported
	}
	if path == "" {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	described := &plugin.PulumiPluginJSON{}
	if err := json.Unmarshal(content, described); err != nil {
		return nil, fmt.Errorf("failed to parse pulumi-plugin.json for %s: %w", found.Name, err)
	}
	return described, nil
}

// dependency completes the description with the distribution's name and version. A version that names no release of a
// plugin gives nil.
func dependency(found distribution, described *plugin.PulumiPluginJSON) *pulumirpc.PackageDependency {
	name, version := described.Name, described.Version
	if name == "" {
		name = strings.TrimPrefix(found.Name, packagePrefix)
	}
	if version == "" {
		version = pluginVersion(found.Version)
	}
	if version == "" {
		return nil
	}
	return &pulumirpc.PackageDependency{
		Name: name, Version: "v" + strings.TrimPrefix(version, "v"), Kind: "resource", Server: described.Server,
		Parameterization: parameterization(described.Parameterization),
		Extension:        parameterization(described.ExtensionParameterization),
	}
}

func parameterization(given *plugin.PulumiParameterizationJSON) *pulumirpc.PackageParameterization {
	if given == nil {
		return nil
	}
	return &pulumirpc.PackageParameterization{Name: given.Name, Version: given.Version, Value: given.Value}
}
