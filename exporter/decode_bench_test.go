package exporter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/itchyny/gojq"
)

// BenchmarkDecoders compares ways to decode 10,000 objects of six fields once;
// DESIGN.md draws on it.
func BenchmarkDecoders(b *testing.B) {
	var buf bytes.Buffer
	buf.WriteString(`{"items":[`)
	for i := range 10_000 {
		if i > 0 {
			buf.WriteByte(',')
		}
		fmt.Fprintf(&buf, `{"id":"item-%d","zone":"zone-%d","state":"open","a":%d,"b":%g,"c":%d}`, i, i%7, i, float64(i)*1.25, i*1000)
	}
	buf.WriteString(`]}`)
	in := buf.Bytes()
	b.Run("encoding/json to any", func(b *testing.B) {
		b.SetBytes(int64(len(in)))
		b.ReportAllocs()
		for b.Loop() {
			var v any
			if err := json.Unmarshal(in, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json to struct", func(b *testing.B) {
		b.SetBytes(int64(len(in)))
		b.ReportAllocs()
		for b.Loop() {
			var v struct {
				Items []struct {
					ID, Zone, State string
					A, B, C         float64
				}
			}
			if err := json.Unmarshal(in, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("document", func(b *testing.B) {
		b.SetBytes(int64(len(in)))
		b.ReportAllocs()
		d := &document{}
		for b.Loop() {
			d.reset()
			d.data = append(d.data, in...)
			if _, err := d.parseJSON(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkExpression shows what the direct walk saves.
func BenchmarkExpression(b *testing.B) {
	d := parsed(b, `{"id":"item-1","zone":"zone-1","state":"open","a":1,"b":{"c":2.5}}`)
	ev := evaluator{ctx: b.Context(), d: d}
	e, err := compileExpr(".b.c")
	if err != nil {
		b.Fatal(err)
	}
	q, err := gojq.Parse(".b.c")
	if err != nil {
		b.Fatal(err)
	}
	code, err := gojq.Compile(q)
	if err != nil {
		b.Fatal(err)
	}
	interpreted := &expr{text: e.text, code: code}
	for name, e := range map[string]*expr{"walked": e, "interpreted": interpreted} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ev.one(e, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
