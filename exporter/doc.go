// Package exporter turns HTTP answers and database rows into Prometheus
// metrics.
//
// A [Config] is the file. It holds one [Module] per recipe: what to ask, and
// which metrics to read from the answer. A [Source] asks; its [Answer] is a
// list of [Row]s, whatever they came from; the decoder turns rows into samples
// by jq expressions; the exposition writes them as text.
//
//	Config -> Module -> Source.Fetch -> Row -> decoder -> samples -> exposition
//
// An [Exporter] ties these together behind an [http.Handler].
package exporter
