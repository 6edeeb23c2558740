package main

import (
	"fmt"
	"os"
	"time"
)

// conduct is what the environment chooses of a host's behavior.
type conduct struct {
	release
	patience time.Duration
}

func chosenConduct() (conduct, error) {
	shown, err := chosenRelease()
	if err != nil {
		return conduct{}, err
	}
	patience, err := chosenPatience()
	return conduct{shown, patience}, err
}

// release names the version of Pulumi's own language host whose behavior this one shows.
type release string

const (
	newest release = "3.259"
	oldest release = "3.216"
)

const releaseVariable = "LANGUAGE_HOST_RELEASE"

// chosenRelease reads the release from the environment, which the engine passes on to its plugins.
func chosenRelease() (release, error) {
	switch given := release(os.Getenv(releaseVariable)); given {
	case "":
		return newest, nil
	case newest, oldest:
		return given, nil
	default:
		return "", fmt.Errorf("%s must be %s or %s, not %q", releaseVariable, newest, oldest, given)
	}
}

// interruptsPrograms reports whether a program gets SIGINT and time to clean up when its call ends early. In the older
// release it is killed, and Cancel has no effect.
func (r release) interruptsPrograms() bool { return r == newest }

// importsPackages reports whether pulumi-plugin.json is looked up where Python imports the package from. The older
// release looks beside the distribution's metadata only, where an editable install has no files.
func (r release) importsPackages() bool { return r == newest }
