package main

import (
	"fmt"
	"path/filepath"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// site is a virtual environment without pip, whose site-packages a test fills.
type site struct {
	info   *pulumirpc.ProgramInfo
	folder string
}

func makeSite(t *testing.T) site {
	t.Helper()
	info := programInfo(t, map[string]any{"virtualenv": "env"})
	makeVirtualenv(t, info.RootDirectory+"/env")
	folders, err := filepath.Glob(info.RootDirectory + "/env/lib/python3*/site-packages")
	must(t, err)
	made := site{info: info, folder: folders[0]}
	made.install(t, "pip", "26.0")
	return made
}

func (s site) install(t *testing.T, name, version string) {
	t.Helper()
	metadata := fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, version)
	writeFile(t, s.folder, name+"-"+version+".dist-info/METADATA", metadata)
}

func (s site) required(t *testing.T, shown release) []*pulumirpc.PackageDependency {
	t.Helper()
	request := &pulumirpc.GetRequiredPackagesRequest{Info: s.info}
	response, err := newClientOf(t, shown, "").GetRequiredPackages(t.Context(), request)
	must(t, err)
	return response.Packages
}

func expectPackages(t *testing.T, expected string, given []*pulumirpc.PackageDependency) {
	t.Helper()
	text := ""
	for _, found := range given {
		text += fmt.Sprintf("%s %s %s %s\n", found.Kind, found.Name, found.Version, found.Server)
	}
	expectText(t, expected, text)
}

func TestADistributionNamedAfterPulumiHasAPlugin(t *testing.T) {
	for _, shown := range []release{newest, oldest} {
		site := makeSite(t)
		site.install(t, "pulumi_openai_ft", "0.1.0")
		site.install(t, "pulumi", "3.259.0")
		site.install(t, "pulumi_policy", "1.21.0")
		site.install(t, "pulumiverse", "1.0.0")

		expectPackages(t, "resource openai-ft v0.1.0 \n", site.required(t, shown))
	}
}

func TestPulumiPluginJSONDescribesThePlugin(t *testing.T) {
	cases := map[string]string{
		`{"resource": false}`: "",
		`{"resource": true}`:  "resource made v0.1.0 \n",
		`{"resource": true, "name": "other", "version": "v2.0.0", "server": "https://plugins.invalid"}`: "" +
			"resource other v2.0.0 https://plugins.invalid\n",
	}
	for described, expected := range cases {
		for _, shown := range []release{newest, oldest} {
			site := makeSite(t)
			site.install(t, "made", "0.1.0")
			writeFile(t, site.folder, "made/pulumi-plugin.json", described)

			expectPackages(t, expected, site.required(t, shown))
		}
	}
}

// An editable install puts the checkout on sys.path, and only metadata into site-packages.
func TestOnlyTheNewerReleaseFindsTheFileOfAnEditableInstall(t *testing.T) {
	site, checkout := makeSite(t), t.TempDir()
	site.install(t, "pulumi-made", "0.1.0")
	writeFile(t, site.folder, "made.pth", checkout)
	writeFile(t, checkout, "pulumi_made/__init__.py", "")
	writeFile(t, checkout, "pulumi_made/pulumi-plugin.json", `{"resource": false}`)

	expectPackages(t, "", site.required(t, newest))
	expectPackages(t, "resource made v0.1.0 \n", site.required(t, oldest))
}

func TestAnUnreadablePulumiPluginJSONIsAnError(t *testing.T) {
	site := makeSite(t)
	site.install(t, "pulumi-made", "0.1.0")
	writeFile(t, site.folder, "pulumi_made/pulumi-plugin.json", "{")
	request := &pulumirpc.GetRequiredPackagesRequest{Info: site.info}
	_, err := newClient(t, "").GetRequiredPackages(t.Context(), request)

	expectError(t, "failed to parse pulumi-plugin.json for pulumi-made", err)
}

func TestPackagesAreListedByPip(t *testing.T) {
	info := programInfo(t, map[string]any{"virtualenv": "env"})
	makeVirtualenv(t, info.RootDirectory+"/env")
	_, err := newClient(t, "").GetRequiredPackages(t.Context(), &pulumirpc.GetRequiredPackagesRequest{Info: info})

	expectError(t, "pip list --format json`: exit status 1: No module named pip", err)
}

func TestPythonVersionsBecomePluginVersions(t *testing.T) {
	cases := map[string]string{
		"1": "1.0.0", "1.2": "1.2.0", "1.2.3.4": "1.2.3.4", "1.2.3a4": "1.2.3-alpha.4", "1.2b3": "1.2.0-beta.3",
		"1.2.3rc4": "1.2.3-rc.4", "1.2.3.post4": "1.2.3+post4", "1.2.3.post4.dev5": "1.2.3+post4dev5",
		"1.2.3a4.dev5": "1.2.3-alpha.4+dev5", "1!2.0": "", "1.2.3+local": "", "one": "", "": "",
	}
	for given, expected := range cases {
		expectText(t, expected, pluginVersion(given))
	}
}
