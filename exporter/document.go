package exporter

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"

	"github.com/itchyny/gojq"
)

// kind is what a value is, in the order that jq sorts kinds.
type kind uint8

const (
	kindNull kind = iota
	kindFalse
	kindTrue
	kindNumber
	kindString
	kindArray
	kindObject
)

// String returns the name that jq gives the kind.
func (k kind) String() string {
	return [...]string{"null", "boolean", "boolean", "number", "string", "array", "object"}[k]
}

// node is one value of a document, 12 bytes. A container's members follow it
// directly, an object's as key and value in turn.
type node struct {
	kind kind
	// from and to bound the text of a number or string in document.data. A
	// container holds in from how many members it has, and in to the index of
	// the node behind its last.
	from, to uint32
}

// document is a whole answer as one flat tree. Strings and numbers stay where
// they were received, so reading an answer copies nothing. Offsets are 32 bits:
// an answer is at most 4 GiB, far above what any limit lets in.
//
// A document is used by one goroutine at a time and reused for later answers.
type document struct {
	data  []byte
	nodes []node
	open  []uint32 // the containers around the one being read, kept for its capacity
	rows  []Row
}

// nullNode is the index of a null that every document has: what a path finds
// that leads nowhere.
const nullNode = 0

// reset empties the document for the next answer.
func (d *document) reset() {
	d.data = d.data[:0]
	d.nodes = append(d.nodes[:0], node{kind: kindNull})
	d.open = d.open[:0]
	d.rows = d.rows[:0]
}

// size returns the bytes that the document keeps from the garbage collector.
func (d *document) size() int { return cap(d.data) + 12*cap(d.nodes) + 16*cap(d.rows) }

// text returns the bytes of a number or string. They are valid until the
// document is reset.
func (d *document) text(at uint32) []byte {
	n := &d.nodes[at]
	return d.data[n.from:n.to]
}

// next returns the index of the node behind the value at at.
func (d *document) next(at uint32) uint32 {
	if n := &d.nodes[at]; n.kind >= kindArray {
		return n.to
	}
	return at + 1
}

// field returns the value of an object's key, or nullNode. Of a key that is
// there twice the last value counts, as in jq.
func (d *document) field(object uint32, key string) uint32 {
	found := uint32(nullNode)
	end := d.nodes[object].to
	for at := object + 1; at < end; {
		k := &d.nodes[at]
		if int(k.to-k.from) == len(key) && string(d.data[k.from:k.to]) == key {
			found = at + 1
		}
		at = d.next(at + 1)
	}
	return found
}

// element returns the value at an index of an array, counted from the end when
// negative, or nullNode.
func (d *document) element(array uint32, index int) uint32 {
	count := int(d.nodes[array].from)
	if index < 0 {
		index += count
	}
	if index < 0 || index >= count {
		return nullNode
	}
	at := array + 1
	for range index {
		at = d.next(at)
	}
	return at
}

// members returns an object's values in the order of their keys, each key once:
// the order and the choice that the interpreter makes.
func (d *document) members(object uint32) []uint32 {
	keys := make([]uint32, 0, d.nodes[object].from)
	for at := object + 1; at < d.nodes[object].to; at = d.next(at + 1) {
		keys = append(keys, at)
	}
	slices.SortStableFunc(keys, func(a, b uint32) int { return slices.Compare(d.text(a), d.text(b)) })
	values := keys[:0]
	for i, k := range keys {
		if i+1 < len(keys) && string(d.text(k)) == string(d.text(keys[i+1])) {
			continue
		}
		values = append(values, k+1)
	}
	return values
}

// value returns the value at at as the interpreter wants it. Numbers keep their
// spelling, so that long ones stay exact until somebody calculates with them.
func (d *document) value(at uint32) any {
	switch n := d.nodes[at]; n.kind {
	case kindFalse, kindTrue:
		return n.kind == kindTrue
	case kindNumber:
		return numberValue(string(d.text(at)))
	case kindString:
		return string(d.text(at))
	case kindArray:
		list := make([]any, 0, n.from)
		for i := at + 1; i < n.to; i = d.next(i) {
			list = append(list, d.value(i))
		}
		return list
	case kindObject:
		object := make(map[string]any, n.from)
		for i := at + 1; i < n.to; i = d.next(i + 1) {
			object[string(d.text(i))] = d.value(i + 1)
		}
		return object
	}
	return nil
}

// numberValue gives what is no JSON number (a database can hold them) as the
// float that the interpreter knows.
func numberValue(text string) any {
	switch text {
	case "NaN":
		return math.NaN()
	case "+Inf":
		return math.Inf(1)
	case "-Inf":
		return math.Inf(-1)
	}
	return json.Number(text)
}

// add appends a value of the interpreter and returns its index.
func (d *document) add(v any) uint32 {
	at := uint32(len(d.nodes))
	switch v := v.(type) {
	case []any:
		d.nodes = append(d.nodes, node{kind: kindArray, from: uint32(len(v))})
		for _, item := range v {
			d.add(item)
		}
		d.nodes[at].to = uint32(len(d.nodes))
	case map[string]any:
		d.nodes = append(d.nodes, node{kind: kindObject, from: uint32(len(v))})
		for key, item := range v {
			d.addText(kindString, key)
			d.add(item)
		}
		d.nodes[at].to = uint32(len(d.nodes))
	default:
		d.addScalar(v)
	}
	return at
}

func (d *document) addScalar(v any) {
	from := uint32(len(d.data))
	var k kind
	k, d.data = appendScalar(d.data, v)
	d.nodes = append(d.nodes, node{kind: k, from: from, to: uint32(len(d.data))})
}

func (d *document) addText(k kind, text string) {
	from := uint32(len(d.data))
	d.data = append(d.data, text...)
	d.nodes = append(d.nodes, node{kind: k, from: from, to: uint32(len(d.data))})
}

// appendScalar appends the text of a value of the interpreter that is no
// container.
func appendScalar(dst []byte, v any) (kind, []byte) {
	switch v := v.(type) {
	case bool:
		if v {
			return kindTrue, dst
		}
		return kindFalse, dst
	case int:
		return kindNumber, strconv.AppendInt(dst, int64(v), 10)
	case float64:
		return kindNumber, appendFloat(dst, v)
	case *big.Int:
		return kindNumber, v.Append(dst, 10)
	case json.Number:
		return kindNumber, append(dst, v...)
	case string:
		return kindString, append(dst, v...)
	}
	return kindNull, dst
}

// marshal returns a container as compact JSON with sorted keys, as jq prints it.
func (d *document) marshal(at uint32) ([]byte, error) {
	text, err := gojq.Marshal(d.value(at))
	if err != nil {
		return nil, fmt.Errorf("cannot be written as JSON: %w", err)
	}
	return text, nil
}
