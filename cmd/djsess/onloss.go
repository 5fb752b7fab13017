package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession/ops"
)

// lossFlag is the value of --on-loss.
type lossFlag struct {
	text string
	ops.OnLoss
}

func (f *lossFlag) String() string { return f.text }
func (f *lossFlag) Type() string   { return "stop, skip or keep-opaque" }

func (f *lossFlag) Set(text string) error {
	loss, ok := map[string]ops.OnLoss{"stop": ops.StopOnLoss, "skip": ops.SkipOnLoss, "keep-opaque": ops.KeepOpaque}[text]
	if !ok {
		return errors.New("unknown choice")
	}
	f.text, f.OnLoss = text, loss
	return nil
}

func addLossFlag(cmd *cobra.Command) *lossFlag {
	f := &lossFlag{"stop", ops.StopOnLoss}
	cmd.Flags().Var(f, "on-loss", "at a value that JSON cannot hold: `stop|skip|keep-opaque`")
	return f
}
