//go:build !linux

package storeurl

import "testing"

func fullListener(t *testing.T) string {
	t.Skip("only Linux is known to drop what a full queue cannot take")
	return ""
}
