// Package dashboards builds and checks the Grafana dashboards that come with
// Bongsu, for the exporter and for the receiver.
//
// The dashboards are written in Go and kept as JSON beside it, for import and
// for provisioning; a test holds the two together. They are of Grafana's
// classic form, for Grafana 10 to 12, and ask the Prometheus that the reader
// chooses.
package dashboards

import (
	"bytes"
	"embed"
	"encoding/json"
)

// Files holds the dashboards, at its top: exporter.json and receiver.json.
//
//go:embed *.json
var Files embed.FS

// All returns every dashboard, by the name of its file.
func All() map[string]Dashboard {
	return map[string]Dashboard{
		"exporter.json": exporterDashboard(),
		"receiver.json": receiverDashboard(),
	}
}

// Marshal returns d as the JSON of a file.
func Marshal(d Dashboard) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // queries are for reading: > stays >
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
