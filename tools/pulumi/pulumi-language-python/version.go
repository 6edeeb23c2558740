package main

import (
	"regexp"
	"strings"
)

var pythonVersion = regexp.MustCompile(`^(\d+(?:\.\d+)*)(?:(a|b|rc)(\d*))?(?:\.post(\d*))?(?:\.dev(\d*))?$`)

var preReleases = map[string]string{"a": "alpha", "b": "beta", "rc": "rc"}

const segments = 3

// pluginVersion writes a Python version as the version of a plugin, 1.2a3.post4 as 1.2.0-alpha.3+post4. A version that
// has no such form, with an epoch for example, gives "".
func pluginVersion(python string) string {
	parts := pythonVersion.FindStringSubmatch(python)
	if parts == nil {
		return ""
	}
	release, post, dev := parts[1], strings.Contains(python, ".post"), strings.Contains(python, ".dev")
	for range segments - 1 - strings.Count(release, ".") {
		release += ".0"
	}
	if parts[2] != "" {
		release += "-" + preReleases[parts[2]] + "." + parts[3]
	}
	if post || dev {
		release += "+"
	}
	if post {
		release += "post" + parts[4]
	}
	if dev {
		release += "dev" + parts[5]
	}
	return release
}
