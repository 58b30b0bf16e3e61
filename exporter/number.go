package exporter

import (
	"bytes"
	"errors"
	"math"
	"strconv"
)

var (
	errMissing   = errors.New("no value")
	errNotNumber = errors.New("not a number")
	errNaN       = errors.New("NaN")
)

// number reads a cell as a sample's value, by these rules: a number is itself;
// true is 1 and false 0; a string is the decimal number that it spells, with
// nothing around it, or one of Inf, +Inf, -Inf, Infinity, -Infinity. Null is no
// value, NaN is refused, and all else is not a number.
//
// A number with more digits than a float64 holds becomes the nearest float64;
// one beyond its range becomes infinite.
func number(c cell) (float64, error) {
	switch c.kind {
	case kindNull:
		return 0, errMissing
	case kindFalse:
		return 0, nil
	case kindTrue:
		return 1, nil
	case kindNumber, kindString:
		return parseNumber(c.text)
	}
	return 0, errNotNumber
}

func parseNumber(text []byte) (float64, error) {
	if v, ok := parseInt(text); ok {
		return v, nil
	}
	// What strconv takes beyond decimal numbers: hexadecimal and digits parted
	// by underscores.
	if len(text) == 0 || bytes.ContainsAny(text, "xX_pP") {
		return 0, errNotNumber
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, errNotNumber
	}
	if math.IsNaN(v) {
		return 0, errNaN
	}
	return v, nil
}

// parseInt reads the whole numbers that a float64 holds exactly, which most
// values are.
func parseInt(text []byte) (float64, bool) {
	digits := text
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 15 {
		return 0, false
	}
	var n int64
	for _, c := range digits {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	if len(digits) < len(text) {
		// Not -n of the integer: -0 is a float of its own.
		return -float64(n), true
	}
	return float64(n), true
}

// appendFloat writes the shortest decimal that reads back as v. Whole numbers
// up to 2^53 are written in full.
func appendFloat(dst []byte, v float64) []byte {
	switch {
	case v == math.Trunc(v) && math.Abs(v) <= 1<<53 && (v != 0 || !math.Signbit(v)):
		return strconv.AppendInt(dst, int64(v), 10)
	case math.IsInf(v, 1):
		return append(dst, "+Inf"...)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}
