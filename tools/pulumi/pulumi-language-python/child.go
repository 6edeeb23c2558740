package main

import (
	"fmt"
	"os"
	"os/exec"
	"time"
)

// originalPatience is how long the original lets an interrupted program run on before it kills it.
const originalPatience = 5 * time.Second

const patienceVariable = "LANGUAGE_HOST_PATIENCE"

// chosenPatience reads another duration from the environment, for tests in which many programs are interrupted.
func chosenPatience() (time.Duration, error) {
	given := os.Getenv(patienceVariable)
	if given == "" {
		return originalPatience, nil
	}
	patience, err := time.ParseDuration(given)
	if err != nil {
		return 0, fmt.Errorf("%s must be a duration such as 500ms: %w", patienceVariable, err)
	}
	return patience, nil
}

// interruptible sends SIGINT when the command's context ends, so that Python runs finally blocks and atexit handlers.
func interruptible(cmd *exec.Cmd, patience time.Duration) {
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
}
