package exporter

// jsonPath is a template of JSONPath in the dialect of Kubernetes, whose
// grammar is that of k8s.io/client-go/util/jsonpath: text outside of braces is
// text, and each {…} gives the values that its steps find, joined by spaces.
// It is read once and safe for concurrent use.
type jsonPath struct {
	text string
	// blocks are the template's texts and {…} in turn.
	blocks []jpNode
	// plain says that no block begins or ends a range: each then stands for
	// itself.
	plain bool
}

type jpKind uint8

const (
	jpText jpKind = iota // text, in a template or as a quoted literal
	jpInt
	jpFloat
	jpBool
	jpBlock      // {…}: nodes, each starting from what the one before found
	jpField      // .name or ['name']
	jpArray      // [from:to:step] or [index]
	jpUnion      // [a,b]: branches
	jpFilter     // [?(left op right)]
	jpWildcard   // .*
	jpRecursive  // ..
	jpIdentifier // range, end, or a word that means nothing
	jpNothing    // not in a template: what a range over null stands at
)

// jpNode is one part of a template.
type jpNode struct {
	kind    jpKind
	text    string // of a text, field or identifier; the operator of a filter
	integer int
	float   float64
	truth   bool
	bounds  [3]jpBound // from, to, step
	nodes   []jpNode   // of a block; the left side of a filter
	right   []jpNode   // the right side of a filter
	union   [][]jpNode
	// straight says that a block, or the left side of a filter, consists of
	// fields and single indexes: it leads to one value at most.
	straight bool
}

// jpBound is one number of [from:to:step].
type jpBound struct {
	value int
	known bool
	// derived is the end of a single index: one behind it.
	derived bool
}

func (n *jpNode) isIndex() bool { return n.kind == jpArray && n.bounds[1].derived && n.bounds[0].known }

func isStraight(nodes []jpNode) bool {
	for i := range nodes {
		if nodes[i].kind != jpField && !nodes[i].isIndex() {
			return false
		}
	}
	return true
}

// compileJSONPath reads a template.
func compileJSONPath(text string) (*jsonPath, error) {
	p := jpParser{input: text}
	if err := p.parse(); err != nil {
		return nil, err
	}
	return &jsonPath{text: text, blocks: p.blocks, plain: !hasRange(p.blocks)}, nil
}

func hasRange(blocks []jpNode) bool {
	for i := range blocks {
		for j := range blocks[i].nodes {
			if blocks[i].nodes[j].kind == jpIdentifier {
				return true
			}
		}
	}
	return false
}

// sameText reports whether two templates, either of which may be absent, are the
// same.
func (p *jsonPath) sameText(o *jsonPath) bool {
	if p == nil || o == nil {
		return p == o
	}
	return p.text == o.text
}
