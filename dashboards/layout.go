package dashboards

const (
	columns = 24
	// schemaVersion is that of Grafana 10.3; later versions migrate it on
	// import, Grafana 10 to 12 all take it.
	schemaVersion = 39
)

// row is a heading with panels below it, in reading order.
type row struct {
	title  string
	panels []*Panel
}

// layOut numbers the panels and places them from left to right, a new line
// wherever the next does not fit.
func layOut(rows []row) []*Panel {
	var out []*Panel
	y := 0
	for _, r := range rows {
		open := false
		head := &Panel{Type: "row", Title: r.title, Collapsed: &open, GridPos: GridPos{H: 1, W: columns, Y: y}}
		out = append(out, head)
		y++
		x, tallest := 0, 0
		for _, p := range r.panels {
			if x+p.GridPos.W > columns {
				x, y, tallest = 0, y+tallest, 0
			}
			p.GridPos.X, p.GridPos.Y = x, y
			x, tallest = x+p.GridPos.W, max(tallest, p.GridPos.H)
			out = append(out, p)
		}
		y += tallest
	}
	for i, p := range out {
		p.ID = i + 1
	}
	return out
}

// dashboard is what all of ours share. alerts is a matcher for the alerts that
// are drawn over the graphs.
func dashboard(uid, title, description, alerts string, variables []Variable, rows []row) Dashboard {
	return Dashboard{
		UID:           uid,
		Title:         title,
		Description:   description,
		Tags:          []string{"bongsu"},
		SchemaVersion: schemaVersion,
		Version:       1,
		Editable:      true,
		GraphTooltip:  1,
		Refresh:       "30s",
		Timezone:      "browser",
		Time:          TimeRange{From: "now-6h", To: "now"},
		Annotations: Annotations{List: []Annotation{{
			Name:        "Alerts",
			Datasource:  fromVariable(),
			Enable:      true,
			Expr:        `ALERTS{alertstate="firing", ` + alerts + `}`,
			IconColor:   "red",
			Step:        "60s",
			TitleFormat: "{{alertname}}",
			TextFormat:  "{{severity}} {{instance}} {{module}}{{channel}}",
		}}},
		Links: []Link{
			{Title: "Bongsu", Type: "dashboards", Tags: []string{"bongsu"}, KeepTime: true},
			{Title: "Runbooks", Type: "link", URL: runbooks, TargetBlank: true},
		},
		Templating: Templating{List: append([]Variable{datasource()}, variables...)},
		Panels:     layOut(rows),
	}
}

func datasource() Variable {
	return Variable{
		Name: "datasource", Label: "Prometheus", Type: "datasource", Query: "prometheus", Refresh: 1,
	}
}

// choice is a variable of the values that a label has in a metric; all of them
// at first.
func choice(name, label, query string) Variable {
	ds := fromVariable()
	return Variable{
		Name:       name,
		Label:      label,
		Type:       "query",
		Query:      VariableQuery{Query: query, RefID: name},
		Definition: query,
		Datasource: &ds,
		Refresh:    2,
		Sort:       1,
		Multi:      true,
		IncludeAll: true,
		AllValue:   ".*",
		Current:    Current{Text: []string{"All"}, Value: []string{"$__all"}},
	}
}
