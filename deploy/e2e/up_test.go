//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"
)

// The newcomer's command runs the demo's incident from the poll to three media
// and back, and says so.
func TestE2EUpOnce(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := bongsu(t, "up", "--once")
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("bongsu up --once: %v after %s\n%s", err, time.Since(begin), out)
	}
	for _, hop := range []string{"polled", "pending", "firing", "webhook", "email", "sms", "slack", "resolved"} {
		if !strings.Contains(string(out), hop) {
			t.Errorf("no hop %q in\n%s", hop, out)
		}
	}
}
