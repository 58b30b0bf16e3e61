package dashboards

// runbooks is where each alert has its heading.
const runbooks = "https://github.com/bongsu/bongsu/blob/main/rules/README.md"

// fromVariable is the data source that the reader chose.
func fromVariable() Datasource { return Datasource{Type: "prometheus", UID: "${datasource}"} }

// newPanel begins a panel. description tells the reader what it shows and what
// to do about it, as there is nobody to ask at night.
func newPanel(kind, title, description string) *Panel {
	ds := fromVariable()
	return &Panel{
		Type:        kind,
		Title:       title,
		Description: description,
		Datasource:  &ds,
		FieldConfig: &FieldConfig{
			Defaults: FieldDefaults{
				Color:      Color{Mode: "thresholds"},
				Thresholds: Thresholds{Mode: "absolute", Steps: []Step{{Color: "green"}}},
				Mappings:   []Mapping{},
			},
			Overrides: []Override{},
		},
	}
}

// stat is one large value that answers one question.
func stat(title, description, expr string) *Panel {
	p := newPanel("stat", title, description)
	p.Options = map[string]any{
		"colorMode":     "background",
		"graphMode":     "area",
		"justifyMode":   "center",
		"orientation":   "auto",
		"textMode":      "value",
		"wideLayout":    true,
		"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
	}
	return p.ask(expr, title).size(4, 4)
}

// graph is lines over time.
func graph(title, description string) *Panel {
	p := newPanel("timeseries", title, description)
	p.FieldConfig.Defaults.Color.Mode = "palette-classic"
	p.FieldConfig.Defaults.Custom = map[string]any{
		"drawStyle":         "line",
		"lineInterpolation": "linear",
		"lineWidth":         1,
		"fillOpacity":       10,
		"gradientMode":      "opacity",
		"showPoints":        "never",
		"spanNulls":         false,
		"axisSoftMin":       0,
		"stacking":          map[string]any{"mode": "none", "group": "A"},
		"thresholdsStyle":   map[string]any{"mode": "off"},
	}
	p.Options = map[string]any{
		"legend": map[string]any{
			"displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": []string{"lastNotNull", "max"},
		},
		"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
	}
	return p.size(12, 8)
}

// timeline is a coloured band for each series, one colour for each state.
func timeline(title, description, expr, legend string) *Panel {
	p := newPanel("state-timeline", title, description)
	p.FieldConfig.Defaults.Custom = map[string]any{"fillOpacity": 80, "lineWidth": 0}
	p.Options = map[string]any{
		"alignValue":  "left",
		"mergeValues": true,
		"rowHeight":   0.85,
		"showValue":   "never",
		"legend":      map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true},
		"tooltip":     map[string]any{"mode": "single", "sort": "none"},
	}
	return p.ask(expr, legend).size(24, 8)
}

// table is the present state, one line for each series, with the given labels
// as columns.
func table(title, description, expr string, columns ...string) *Panel {
	p := newPanel("table", title, description)
	p.FieldConfig.Defaults.Custom = map[string]any{"align": "auto", "filterable": true, "inspect": false}
	p.Options = map[string]any{
		"cellHeight": "sm",
		"showHeader": true,
		"footer":     map[string]any{"show": false, "reducer": []string{"sum"}, "countRows": false, "fields": ""},
	}
	p.Targets = []Target{{
		RefID: "A", Datasource: fromVariable(), EditorMode: "code", Expr: expr, Format: "table", Instant: true,
	}}
	index := map[string]any{}
	for i, c := range columns {
		index[c] = i
	}
	p.Transformations = []Transformation{{
		ID: "organize",
		Options: map[string]any{
			"excludeByName": map[string]any{"Time": true, "Value": true},
			"indexByName":   index,
			"renameByName":  map[string]any{},
		},
	}}
	return p.size(12, 8)
}

// ask adds a query; each line of its answer is named by legend.
func (p *Panel) ask(expr, legend string) *Panel {
	p.Targets = append(p.Targets, Target{
		RefID:        string(rune('A' + len(p.Targets))),
		Datasource:   fromVariable(),
		EditorMode:   "code",
		Expr:         expr,
		LegendFormat: legend,
		Format:       "time_series",
		Range:        true,
	})
	return p
}

// once asks the queries at the end of the time shown alone, not at each point of
// it: for those that look over $__range. There is no curve to draw then.
func (p *Panel) once() *Panel {
	for i := range p.Targets {
		p.Targets[i].Instant, p.Targets[i].Range = true, false
	}
	p.Options["graphMode"] = "none"
	return p
}

// size sets width, of 24 columns, and height.
func (p *Panel) size(w, h int) *Panel {
	p.GridPos.W, p.GridPos.H = w, h
	return p
}

// unit is one of Grafana's: s, percentunit, short, bytes, reqps ...
func (p *Panel) unit(u string) *Panel {
	p.FieldConfig.Defaults.Unit = u
	return p
}

// decimals fixes the digits after the point.
func (p *Panel) decimals(n int) *Panel {
	p.FieldConfig.Defaults.Decimals = &n
	return p
}

// span fixes the axis, or the ends of a colour range.
func (p *Panel) span(low, high float64) *Panel {
	p.FieldConfig.Defaults.Min, p.FieldConfig.Defaults.Max = &low, &high
	return p
}

// from colours values at v and above.
func (p *Panel) from(v float64, color string) *Panel {
	t := &p.FieldConfig.Defaults.Thresholds
	t.Steps = append(t.Steps, Step{Color: color, Value: &v})
	return p
}

// below colours values under the first threshold.
func (p *Panel) below(color string) *Panel {
	p.FieldConfig.Defaults.Thresholds.Steps[0].Color = color
	return p
}

// yesNo shows 1 as good and 0 as bad news.
func (p *Panel) yesNo(one, zero string) *Panel {
	p.FieldConfig.Defaults.Mappings = []Mapping{{Type: "value", Options: map[string]Word{
		"1": {Text: one, Color: "green", Index: 0},
		"0": {Text: zero, Color: "red", Index: 1},
	}}}
	return p.unit("none").below("red").from(1, "green")
}

// stacked draws the series on top of each other.
func (p *Panel) stacked() *Panel {
	p.FieldConfig.Defaults.Custom["stacking"] = map[string]any{"mode": "normal", "group": "A"}
	p.FieldConfig.Defaults.Custom["fillOpacity"] = 30
	return p
}

// line draws the thresholds into the graph.
func (p *Panel) line() *Panel {
	p.FieldConfig.Defaults.Custom["thresholdsStyle"] = map[string]any{"mode": "dashed"}
	return p
}

// color gives the series of that name, whatever else is there, one colour.
func (p *Panel) color(series, color string) *Panel {
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, Override{
		Matcher:    Matcher{ID: "byName", Options: series},
		Properties: []Property{{ID: "color", Value: map[string]any{"mode": "fixed", "fixedColor": color}}},
	})
	return p
}

// runbook links to an alert's heading; anchor is the alert's name in lower case.
func (p *Panel) runbook(anchor string) *Panel {
	p.Links = append(p.Links, Link{Title: "What to do", URL: runbooks + "#" + anchor, TargetBlank: true})
	return p
}

// whenWell says what an empty answer means: nothing to show is good news.
func (p *Panel) whenWell(text string) *Panel {
	p.FieldConfig.Defaults.NoValue = text
	p.quiet = true
	return p
}
