package postgres

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bongsu/bongsu/receiver"
)

var crashRounds = flag.Int("crash.rounds", 0, "how often TestKill kills; 0: 5, or 2 with -short")

const (
	crashEnv     = "BONGSU_POSTGRES_CRASH_CHILD" // DSN of the store
	crashWorkers = 4
)

// TestKill has two replicas accept and deliver as fast as they can, kills one
// with SIGKILL after a random number of acknowledgements, then the other, and
// looks at what they left.
func TestKill(t *testing.T) {
	t.Parallel()
	st := newStorage(t, need(t))
	closeStore(t, st.open(t, Options{}))
	rounds, resent := *crashRounds, 0
	switch {
	case rounds > 0:
	case testing.Short():
		rounds = 2
	default:
		rounds = 5
	}
	for round := range rounds {
		a, b := startChild(t, st), startChild(t, st)
		var wg sync.WaitGroup
		wg.Go(func() { a.hear(t, 1+rand.IntN(200)) })
		wg.Go(func() { b.hear(t, 300) })
		wg.Wait()
		resent += checkCrash(t, st, start.Add(time.Duration(round+1)*time.Hour), a, b)
	}
	t.Logf("%d rounds, %d deliveries sent but not recorded", rounds, resent)
}

// child is a replica that is going to be killed, and what it had said.
type child struct {
	cmd      *exec.Cmd
	in       io.Closer // its end tells the child that we died
	out      io.Reader
	accepted []string        // group keys whose Put was acknowledged
	sent     map[string]bool // ids that were handed to the far side
	settled  map[string]bool // ids whose Settle was acknowledged
}

func startChild(t *testing.T, st storage) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0], "-test.run=^$"), sent: map[string]bool{}, settled: map[string]bool{}}
	c.cmd.Env = append(os.Environ(), crashEnv+"="+st.dsn(st.schema, ""))
	c.cmd.Stderr = os.Stderr
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if c.out, err = c.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// hear kills the child after so many acknowledgements, and goes on reading what
// it had said before.
func (c *child) hear(t *testing.T, acks int) {
	lines := bufio.NewReader(c.out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		what, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch what {
		case "accepted":
			c.accepted = append(c.accepted, name)
			if len(c.accepted) == acks {
				_ = c.cmd.Process.Kill()
			}
		case "sent":
			if c.sent[name] {
				t.Errorf("delivery %s was sent twice without a crash", name)
			}
			c.sent[name] = true
		case "settled":
			c.settled[name] = true
		}
	}
	if err := c.cmd.Wait(); err == nil || len(c.accepted) < acks {
		t.Errorf("child ended by itself after %d acknowledgements: %v", len(c.accepted), err)
	}
}

// checkCrash returns how many deliveries will be sent a second time, and
// settles all that is left, when the leases have run out.
func checkCrash(t *testing.T, st storage, now time.Time, children ...*child) (resent int) {
	t.Helper()
	kept, sent, settled := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, group := range st.texts(t, `SELECT group_key FROM notification`) {
		kept[group] = true
	}
	for _, c := range children {
		for _, group := range c.accepted {
			if !kept[group] {
				t.Errorf("notification %s was acknowledged and is lost", group)
			}
		}
		for id := range c.sent {
			if sent[id] {
				t.Errorf("delivery %s was sent by both", id)
			}
			sent[id] = true
		}
		for id := range c.settled {
			settled[id] = true
		}
	}
	s := st.open(t, Options{})
	defer closeStore(t, s)
	for {
		jobs, err := s.Claim(t.Context(), receiver.Claim{Worker: "w", Channel: "mail", Limit: 500, Now: now, Lease: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if len(jobs) == 0 {
			break
		}
		for _, j := range jobs {
			if settled[fmt.Sprint(j.ID)] {
				t.Errorf("%v was settled and can be claimed again", j)
			}
			if sent[fmt.Sprint(j.ID)] {
				resent++
			}
		}
		inParallel(16, len(jobs), func(i int) {
			if err := s.Settle(t.Context(), delivered(jobs[i])); err != nil {
				t.Error(err)
			}
		})
	}
	if bound := crashWorkers * len(children); resent > bound {
		t.Errorf("%d deliveries would be sent twice, want at most the %d in flight", resent, bound)
	}
	return resent
}

// childMain is the whole life of a replica that is killed.
func childMain() {
	dsn := os.Getenv(crashEnv)
	if dsn == "" {
		return
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	s, err := Open(context.Background(), dsn, Options{})
	if err != nil {
		fail(err)
	}
	var mu sync.Mutex
	say := func(what, name string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(what, name)
	}
	for range 12 {
		go childAccept(s, say)
	}
	for range crashWorkers {
		go childWork(s, say)
	}
	select {}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// childAccept puts one notification after the other into a thread of its own.
func childAccept(s *Store, say func(what, name string)) {
	group := fmt.Sprint("가게-", rand.Uint64())
	for i := 0; ; i++ {
		n, rs := change(group, i)
		if _, err := s.Put(context.Background(), n, rs); err != nil {
			fail(err)
		}
		say("accepted", n.GroupKey)
	}
}

// childWork delivers one after the other: it is never in doubt about more than
// one.
func childWork(s *Store, say func(what, name string)) {
	for {
		jobs, err := claimUpTo(context.Background(), s, 1)
		if err != nil {
			fail(err)
		}
		for _, j := range jobs {
			say("sent", fmt.Sprint(j.ID))
			if err := s.Settle(context.Background(), delivered(j)); err != nil {
				fail(err)
			}
			say("settled", fmt.Sprint(j.ID))
		}
		if len(jobs) == 0 {
			<-s.Due()
		}
	}
}
