//go:build e2e

package e2e

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/bongsu/bongsu/receiver/inbox"
)

// A database goes away and comes back, and all three media tell of both, in one
// thread of mail and one message of Slack. Everything between is what Debian
// ships, polling what those servers say of themselves.
func TestE2EDatabaseGoesAndComesBack(t *testing.T) {
	s := newStage(t)
	s.Root, _ = filepath.Abs("../..")
	db := newPostgres(t)
	s.PostgresDSN, s.MariaDSN = db.dsn(), newMariaDB(t)
	s.write(t, "exporter.yml", "prometheus.yml", "rules.yml", "alertmanager.yml", "receiver.yml")
	if out, err := bongsu(t, "check", s.path("exporter.yml"), s.path("receiver.yml"), s.path("rules.yml"), s.path("alertmanager.yml")).CombinedOutput(); err != nil {
		t.Fatalf("check: %v\n%s", err, out)
	}
	newAlertmanager(t, s.Dir, s.Alertmanager)
	s.startReceiver(t)
	s.startExporter(t)
	s.Prom = newPrometheus(t, s.Dir)

	for _, expr := range []string{
		`pg_database_connections{datname="postgres"} > 0`, `mariadb_status{variable="Uptime"} > 0`,
		`alertmanager_info{version="0.25.0"}`, `alertmanager_cluster_disabled == 1`, `min(probe_success) == 1`,
	} {
		awaitQuery(t, s.Prom, expr)
	}

	db.stop()
	ms := s.await(t, "the outage on three media", func(ms []inbox.Message) bool {
		return len(of(ms, inbox.Email)) >= 1 && len(of(ms, inbox.SMS)) >= 1 && len(of(ms, inbox.Slack)) >= 1
	})
	for _, m := range ms {
		if text := m.Subject + m.Text; !strings.Contains(text, "PostgreSQL이 응답하지 않습니다") {
			t.Errorf("%s does not say what happened: %q", m.Medium, text)
		}
	}
	awaitQuery(t, s.Prom, `probe_failure_info{module="postgres",stage="fetch"} == 1`)

	db.start(t)
	ms = s.await(t, "the recovery on three media", func(ms []inbox.Message) bool {
		slack := of(ms, inbox.Slack)
		return len(of(ms, inbox.Email)) >= 2 && len(of(ms, inbox.SMS)) >= 2 && len(slack) >= 1 && len(slack[0].Earlier) >= 1
	})
	mails, sms, chats := of(ms, inbox.Email), of(ms, inbox.SMS), of(ms, inbox.Slack)
	if len(mails) != 2 || len(sms) != 2 || len(chats) != 1 || len(chats[0].Earlier) != 1 {
		t.Fatalf("%d mails, %d SMS, %d Slack messages, want 2, 2, and 1 with one edit", len(mails), len(sms), len(chats))
	}
	if got, want := mails[1].Header.Get("In-Reply-To"), mails[0].Header.Get("Message-Id"); got != want || want == "" {
		t.Errorf("the recovery's mail answers %q, want %q", got, want)
	}
	if !mails[0].TLS || mails[0].User != "bongsu" {
		t.Errorf("mail came over TLS %v as %q", mails[0].TLS, mails[0].User)
	}
	for _, text := range []string{mails[1].Subject, sms[1].Text, chats[0].Subject + chats[0].Text} {
		if !strings.Contains(text, "해결") {
			t.Errorf("does not say that it is over: %q", text)
		}
	}
	if sms[0].To != phoneTo || mails[0].To != mailTo || chats[0].ToName != chatTo {
		t.Errorf("sent to %q, %q, %q", sms[0].To, mails[0].To, chats[0].ToName)
	}
	dashboardsHaveData(t, s.Prom)
}

// Ending on SIGTERM takes no part of the outbox with it, and takes no time.
func TestE2EGracefulEnd(t *testing.T) {
	s := newStage(t)
	s.write(t, "receiver.yml")
	p := s.startReceiver(t)
	p.kill(syscall.SIGTERM)
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d: %s", code, p.tail(5))
	}
}
