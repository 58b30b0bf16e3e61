package exporter

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// probeJSONExporter answers as json_exporter does: the same parameters, status
// codes and texts, and no series beside the module's own. Where it answers 200
// with nothing, for what is no JSON, the answer is 503.
func (e *Exporter) probeJSONExporter(w http.ResponseWriter, req *http.Request, writers *sync.Pool) {
	params := req.URL.Query()
	name, target := cmp.Or(params.Get("module"), "default"), params.Get("target")
	if _, ok := e.Config().Modules[name]; !ok {
		http.Error(w, fmt.Sprintf("Unknown module %q", name), http.StatusBadRequest)
		return
	}
	if target == "" {
		http.Error(w, "Target parameter is missing", http.StatusBadRequest)
		return
	}
	ctx, cancel := scrapeContext(req)
	defer cancel()
	r, err := e.Run(ctx, name, Target{URL: target, Params: params})
	if err == nil {
		err = r.nothing()
	}
	if err != nil {
		http.Error(w, fmt.Sprintf("Failed to fetch JSON response. TARGET: %s, ERROR: %v", shownTarget(target), err), http.StatusServiceUnavailable)
		return
	}
	respond(w, req, newBareExposition([]*Result{r}), formatText, writers)
}

// nothing returns the failure that left a probe without an answer that could be
// read.
func (r *Result) nothing() error {
	i := slices.IndexFunc(r.failures, func(f *Failure) bool {
		return f.Stage == StageFetch || f.Reason == ReasonNotJSON || f.Reason == ReasonTooDeep || f.Reason == ReasonInternal
	})
	if i < 0 {
		return nil
	}
	return r.failures[i]
}

// shownTarget is the target without a password.
func shownTarget(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return "<url>"
	}
	return u.Redacted()
}
