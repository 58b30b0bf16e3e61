// Package rules holds the alerting rules that come with Bongsu, and checks
// anybody's rule files.
//
// The files are standard Prometheus rule files; a stock Prometheus, 2.42 or
// later, loads them as they are. Every alert has a promtool test in tests/ and
// a runbook in README.md, under a heading of the same name.
package rules

import "embed"

// Files holds the rule files, at its top: exporter.yml, receiver.yml,
// watchdog.yml and demo.yml.
//
//go:embed *.yml
var Files embed.FS
