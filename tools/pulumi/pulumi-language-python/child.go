package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"time"
)

// patience is how long an interrupted child may take before it is killed. A program waits for answers that the engine
// no longer gives, so Ctrl-C would always take as long as this.
const patience = time.Second

// interruptible makes the end of the command's context a SIGINT, so that Python can clean up.
func interruptible(cmd *exec.Cmd) *exec.Cmd {
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	return cmd
}

// gate forwards until its context ends: what an interrupted Python says is the traceback of its KeyboardInterrupt.
type gate struct {
	ctx  context.Context
	next io.Writer
}

func (g gate) Write(text []byte) (int, error) {
	if g.ctx.Err() != nil {
		return len(text), nil
	}
	return g.next.Write(text)
}
