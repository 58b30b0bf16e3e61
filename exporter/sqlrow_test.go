package exporter

import (
	"errors"
	"math"
	"testing"
	"time"
)

// TestScan gives a row every Go value that a driver may give: the rules must
// not depend on which driver it is.
func TestScan(t *testing.T) {
	t.Parallel()
	seoul := time.FixedZone("KST", 9*3600)
	for _, c := range []struct {
		in    any
		label string
		value float64
		err   error
	}{
		{int64(9007199254740993), "9007199254740993", 9007199254740992, nil},
		{uint64(math.MaxUint64), "18446744073709551615", 18446744073709551615, nil},
		{int32(-5), "-5", -5, nil},
		{0.1, "0.1", 0.1, nil},
		{float32(0.5), "0.5", 0.5, nil},
		{12345678.0, "12345678", 12345678, nil},
		{math.NaN(), "NaN", 0, errNaN},
		{math.Inf(-1), "-Inf", math.Inf(-1), nil},
		{true, "true", 1, nil},
		{false, "false", 0, nil},
		{"1500.50", "1500.50", 1500.5, nil},
		{[]byte("1500.50"), "1500.50", 1500.5, nil},
		{[]byte("사과"), "사과", 0, errNotNumber},
		{[]byte{0xff, 'a'}, "\uFFFDa", 0, errNotNumber},
		{"Infinity", "Infinity", math.Inf(1), nil},
		{"", "", 0, errNotNumber},
		{nil, "", 0, errMissing},
		{time.Date(2026, 11, 22, 18, 0, 0, 500, seoul), "2026-11-22T09:00:00.0000005Z", 0, errNotNumber},
	} {
		d := &document{}
		d.reset()
		r := newRecorder(d, []string{"값"})
		if err := r.dest[0].(*scanner).Scan(c.in); err != nil {
			t.Errorf("%v: %v", c.in, err)
			continue
		}
		ev := evaluator{ctx: t.Context(), d: d}
		got, err := ev.cell(uint32(len(d.nodes) - 1))
		if err != nil {
			t.Fatal(err)
		}
		if label := string(appendLabelValue(nil, got)); got.kind != kindNull && label != c.label {
			t.Errorf("%v: label %q, want %q", c.in, label, c.label)
		}
		if v, err := number(got); !errors.Is(err, c.err) || v != c.value {
			t.Errorf("%v: value %v, %v, want %v, %v", c.in, v, err, c.value, c.err)
		}
	}
}

func TestScanUnknownType(t *testing.T) {
	t.Parallel()
	d := &document{}
	d.reset()
	r := newRecorder(d, []string{"점"})
	err := r.dest[0].(*scanner).Scan(struct{}{})
	if want := `column "점": no rule for a value of type struct {}`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
