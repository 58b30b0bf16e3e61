package sms

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/bongsu/bongsu/receiver"
)

// reply says how a provider's answers are read: where they have what matters,
// and what their codes mean. Paths are those of lookupAll.
type reply struct {
	// parse reads an answer; nil is parseJSON.
	parse func([]byte) any
	// id is where an accepted message has its ID: the first path that leads to
	// one. Without an ID nothing counts as accepted, unless there is no path.
	id []string
	// code is where answers have what is judged. All are: a text of which a
	// part was refused does not arrive.
	code []string
	// hint is where they have a finer code, which counts where the table has it.
	hint []string
	// message is where answers say it in words.
	message []string
	// verdicts judge codes, and statuses as "HTTP 402".
	verdicts map[string]verdict
	// unknown is the verdict on a code that came with 2xx and is not in the
	// table: as a rule retry, for a refusal that nobody has heard of is not
	// known to be final.
	unknown verdict
}

// judge: a code in the table decides, then the status in the table, then the
// status itself.
func (r reply) judge(a answer) (receiver.Receipt, error) {
	body := r.read(a.body)
	code, v := r.verdict(a, body)
	if v == accepted {
		id := first(body, r.id)
		if id == "" && len(r.id) > 0 {
			return receiver.Receipt{}, fmt.Errorf("answer %d without an ID: %s", a.status, oneLine(string(a.body)))
		}
		return receiver.Receipt{ID: id, Detail: "accepted"}, nil
	}
	return receiver.Receipt{}, v.apply(a, r.refusal(a, body, code))
}

func (r reply) refusal(a answer, body any, code string) error {
	said := first(body, r.message)
	if said == "" && code == "" {
		said = string(a.body)
	}
	text := fmt.Sprintf("answer %d", a.status)
	if code != "" {
		text += ", error " + oneLine(code)
	}
	if said = oneLine(said); said != "" {
		text += ": " + said
	}
	return fmt.Errorf("%s", text)
}

// verdict returns also the code that it is for.
func (r reply) verdict(a answer, body any) (string, verdict) {
	good := a.status >= 200 && a.status < 300
	for _, c := range all(body, r.hint) {
		if v, ok := r.verdicts[c]; ok && (good || v != accepted) {
			return c, v
		}
	}
	seen := all(body, r.code)
	for _, c := range seen {
		if v, ok := r.verdicts[c]; ok && v != accepted {
			return c, v
		}
	}
	if v, ok := r.verdicts[statusCode(a.status)]; ok && (good || v != accepted) {
		return cmp.Or(seen...), v
	}
	if !good {
		return cmp.Or(seen...), byStatus(a.status)
	}
	for _, c := range seen {
		if r.verdicts[c] != accepted && r.unknown != accepted {
			return c, r.unknown
		}
	}
	if body == nil || len(seen) == 0 && len(r.id) == 0 {
		return "", retry // some proxy's page, or nothing that speaks of success
	}
	return "", accepted
}

// statusCode is what a table calls an HTTP status.
func statusCode(status int) string { return fmt.Sprintf("HTTP %d", status) }

// reply is r with the verdicts of the settings in it.
func (l *loader) reply(r reply) reply {
	r.verdicts = merge(r.verdicts, l.row.Verdicts)
	return r
}

func merge(table, own map[string]verdict) map[string]verdict {
	all := maps.Clone(table)
	if all == nil {
		all = map[string]verdict{}
	}
	maps.Copy(all, own)
	return all
}

// codes are rows of a table that have the same verdict.
func codes(v verdict, codes string, more ...map[string]verdict) map[string]verdict {
	table := map[string]verdict{}
	for _, m := range more {
		maps.Copy(table, m)
	}
	for c := range strings.FieldsSeq(codes) {
		table[c] = v
	}
	return table
}

func (r reply) read(data []byte) any {
	if r.parse != nil {
		return r.parse(data)
	}
	return parseJSON(data)
}

// parseJSON is the JSON of an answer, nil if it is none: no path leads anywhere
// then.
func parseJSON(data []byte) any {
	var v any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}

// all are the values at all of the paths.
func all(body any, paths []string) []string {
	var found []string
	for _, p := range paths {
		found = append(found, lookupAll(body, p)...)
	}
	return found
}

func first(body any, paths []string) string { return cmp.Or(all(body, paths)...) }
