package sqlite_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bongsu/bongsu/receiver"
	"github.com/bongsu/bongsu/receiver/sqlite"
)

var crashRounds = flag.Int("crash.rounds", 0, "how often TestKill kills; 0: 10, or 3 with -short")

const (
	crashEnv      = "BONGSU_SQLITE_CRASH_CHILD" // path of the store
	crashWorkers  = 8
	crashProducer = 16
)

// TestKill lets a process accept and deliver as fast as it can, kills it with
// SIGKILL after a random number of acknowledgements, and looks at what it left.
// kill -9 says nothing of syncing: DESIGN.md tells what does.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rounds, resent := *crashRounds, 0
	switch {
	case rounds > 0:
	case testing.Short():
		rounds = 3
	default:
		rounds = 10
	}
	for range rounds {
		c := crash(t, filepath.Join(dir, "outbox.db"), 1+rand.IntN(400))
		resent += c.check(t, dir)
	}
	t.Logf("%d rounds, %d deliveries sent but not recorded", rounds, resent)
}

// crashed is what a killed process had said before its end.
type crashed struct {
	accepted []string       // group keys whose Put was acknowledged
	settled  map[string]int // ids whose Settle was acknowledged
	sent     map[string]int // ids that were handed to the far side, how often
}

// crash runs a child until it has acknowledged so many notifications.
func crash(t *testing.T, path string, acks int) crashed {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), crashEnv+"="+path)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe() // its end tells the child that we died
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	c := crashed{settled: map[string]int{}, sent: map[string]int{}}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break
		}
		what, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch {
		case err != nil || !ok:
			t.Fatalf("child says %q, %v", line, err)
		case what == "accepted":
			c.accepted = append(c.accepted, name)
			if len(c.accepted) == acks {
				_ = child.Process.Kill() // and read what it had said before
			}
		case what == "sent":
			c.sent[name]++
		case what == "settled":
			c.settled[name]++
		}
	}
	if err := child.Wait(); err == nil || len(c.accepted) < acks {
		t.Fatalf("child ended by itself after %d acknowledgements: %v", len(c.accepted), err)
	}
	return c
}

// check returns how many deliveries will be sent a second time, and empties the
// store.
func (c crashed) check(t *testing.T, dir string) (resent int) {
	t.Helper()
	intact(t, dir)
	kept := map[string]bool{}
	for _, group := range texts(t, dir, `SELECT group_key FROM notification`) {
		kept[group] = true
	}
	for _, group := range c.accepted {
		if !kept[group] {
			t.Errorf("notification %s was acknowledged and is lost", group)
		}
	}
	s := open(t, filepath.Join(dir, "outbox.db"), sqlite.Options{})
	defer closeStore(t, s)
	for {
		jobs := claim(t, s, 1000)
		if len(jobs) == 0 {
			break
		}
		for _, j := range jobs {
			id := fmt.Sprint(j.ID)
			if c.settled[id] > 0 {
				t.Errorf("%v was settled and can be claimed again", j)
			}
			resent += c.sent[id]
		}
		inParallel(16, len(jobs), func(i int) { settle(t, s, jobs[i]) })
	}
	if resent > crashWorkers {
		t.Errorf("%d deliveries would be sent twice, want at most the %d in flight", resent, crashWorkers)
	}
	for id, n := range c.sent {
		if n > 1 {
			t.Errorf("delivery %s was sent %d times without a crash", id, n)
		}
	}
	return resent
}

// childMain is the whole life of the process that is killed.
func childMain() {
	path := os.Getenv(crashEnv)
	if path == "" {
		return
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var mu sync.Mutex
	say := func(what, name string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(what, name)
	}
	for i := range crashProducer {
		go childAccept(s, i, say)
	}
	for range crashWorkers {
		go childWork(s, say)
	}
	select {}
}

// childAccept puts one notification after the other into a thread of its own.
func childAccept(s *sqlite.Store, producer int, say func(what, name string)) {
	for i := 0; ; i++ {
		at := time.Now()
		n := receiver.Notification{ReceivedAt: start, GroupKey: fmt.Sprint(producer, "/", at.UnixNano()), Raw: []byte(strings.Repeat("봉수", i%1000))}
		_, err := s.Put(context.Background(), &n, []receiver.Routed{{
			Thread:   receiver.ThreadKey{GroupKey: fmt.Sprint(producer), Channel: "mail", To: "oncall@example.org"},
			Alerts:   []receiver.AlertState{{Fingerprint: "a", Status: receiver.Firing, StartsAt: at}},
			Resolved: true,
		}})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		say("accepted", n.GroupKey)
	}
}

// childWork delivers one after the other: it is never in doubt about more than
// one.
func childWork(s *sqlite.Store, say func(what, name string)) {
	for {
		jobs, err := s.Claim(context.Background(), receiver.Claim{Worker: "w", Channel: "mail", Limit: 1, Now: start, Lease: time.Minute})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for _, j := range jobs {
			say("sent", fmt.Sprint(j.ID))
			err := s.Settle(context.Background(), receiver.Settlement{ID: j.ID, Attempt: j.Attempt, Outcome: receiver.OutcomeDelivered, At: start})
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			say("settled", fmt.Sprint(j.ID))
		}
		if len(jobs) == 0 {
			<-s.Due()
		}
	}
}

// intact checks the file, and the laws that hold between its rows.
func intact(t *testing.T, dir string) {
	t.Helper()
	for query, want := range map[string]string{
		`PRAGMA integrity_check`:                        "ok",
		`SELECT count(*) FROM pragma_foreign_key_check`: "0",
		// Every thread with something pending has a head, and none other has.
		`SELECT count(*) FROM (SELECT thread_id FROM delivery WHERE state = 'pending' GROUP BY thread_id HAVING count(due_at) <> 1)`: "0",
		// A lease is the head's, and what is due is due at its end.
		`SELECT count(*) FROM delivery WHERE lease_until > 0 AND due_at IS NOT lease_until`:                   "0",
		`SELECT count(*) FROM delivery WHERE due_at IS NOT NULL AND lease_until = 0 AND due_at <> not_before`: "0",
		// An attempt without an end is the last one, or its lease ran out.
		`SELECT count(*) FROM delivery d WHERE attempt <> (SELECT count(*) FROM attempt WHERE delivery_id = d.id)`: "0",
	} {
		if got := texts(t, dir, query); len(got) != 1 || got[0] != want {
			t.Errorf("%s = %q, want %q", query, got, want)
		}
	}
}
