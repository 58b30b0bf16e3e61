package receiver

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bongsu/bongsu/internal/strictyaml"
)

// outlets builds the channels of the file, sorted by name.
func (l *loader) outlets(words Wording) []*Outlet {
	if len(l.file.Channels) == 0 {
		l.errorf(strictyaml.Path{"channels"}, "channels: expected at least one")
	}
	var outlets []*Outlet
	for _, name := range slices.Sorted(maps.Keys(l.file.Channels)) {
		if o := l.outlet(name, words); o != nil {
			outlets = append(outlets, o)
		}
	}
	return outlets
}

func (l *loader) outlet(name string, words Wording) *Outlet {
	kind, node, ok := l.kindOf(name)
	if !ok {
		return nil
	}
	at := strictyaml.Path{"channels", name, kind}
	built, err := l.kinds[kind](Settings{Name: name, Node: node, Dir: l.dir, Logger: l.logger.With("channel", name)})
	if err != nil {
		l.add(at, name, err)
		return nil
	}
	l.checkRecipients(at, name, built.To)
	if built.Common.Locale != "" {
		words.Locale = l.checkedLocale(append(at, "locale"), built.Common.Locale)
	}
	if built.Timeout <= 0 {
		built.Timeout = defaultTimeout
	}
	if built.Concurrency <= 0 {
		built.Concurrency = defaultConcurrency
	}
	o := &Outlet{Name: name, Kind: kind, Built: built}
	if o.Renderer, err = NewRenderer(words, built.Texts); err != nil {
		l.rendererError(at, name, err)
	}
	return o
}

// kindOf returns the one kind that the channel is of.
func (l *loader) kindOf(name string) (string, strictyaml.Node, bool) {
	known := slices.Sorted(maps.Keys(l.kinds))
	section := l.file.Channels[name]
	at := strictyaml.Path{"channels", name}
	if len(section) != 1 {
		l.errorf(at, "channel %q: set exactly one of %s", name, strings.Join(known, ", "))
		return "", strictyaml.Node{}, false
	}
	for kind, node := range section {
		if _, ok := l.kinds[kind]; !ok {
			l.errorf(append(at, kind), "channel %q: unknown kind %q, %s", name, kind, hint(kind, known))
			return "", strictyaml.Node{}, false
		}
		if node.IsZero() {
			l.errorf(append(at, kind), "channel %q: %s has no settings", name, kind)
			return "", strictyaml.Node{}, false
		}
		return kind, node, true
	}
	return "", strictyaml.Node{}, false
}

func (l *loader) checkRecipients(at strictyaml.Path, name string, to []string) {
	if len(to) == 0 {
		l.errorf(append(at, "to"), "channel %q: expected at least one recipient", name)
	}
	seen := map[string]bool{}
	for _, t := range to {
		if seen[t] {
			l.errorf(append(at, "to"), "channel %q: recipient %q is named twice", name, t)
		}
		seen[t] = true
	}
}

// wording reads what all channels' texts have in common.
func (l *loader) wording() Wording {
	w := Wording{Locale: l.checkedLocale(strictyaml.Path{"locale"}, l.file.Locale), Zone: time.Local}
	if l.file.Timezone != "" {
		zone, err := time.LoadLocation(l.file.Timezone)
		if err != nil {
			l.errorf(strictyaml.Path{"timezone"}, "timezone: %v, expected a name such as Asia/Seoul", err)
		} else {
			w.Zone = zone
		}
	}
	for i, glob := range l.file.Templates {
		files, err := templateFiles(l.dir, glob)
		if err != nil {
			l.errorf(strictyaml.Path{"templates", i}, "templates: %v", err)
		}
		w.Files = append(w.Files, files...)
	}
	if err := w.check(); err != nil {
		l.add(strictyaml.Path{"templates"}, "", err)
		w.Files = nil // so that it is said once, not again for each channel
	}
	return w
}

// checkedLocale returns locale, or after an error one that serves to go on.
func (l *loader) checkedLocale(at strictyaml.Path, locale string) string {
	if slices.Contains(locales(), locale) {
		return locale
	}
	l.errorf(at, "locale: unknown %q, %s", locale, hint(locale, locales()))
	return locales()[0]
}

// rendererError places what is wrong with one of a channel's own texts.
func (l *loader) rendererError(at strictyaml.Path, name string, err error) {
	if te, ok := errors.AsType[*textError](err); ok {
		at = append(at, te.field)
	}
	l.errorf(at, "channel %q: %v", name, err)
}

// add collects err: as it is if it knows its place, else at the given one.
func (l *loader) add(at strictyaml.Path, channel string, err error) {
	if many, ok := errors.AsType[strictyaml.Errors](err); ok {
		l.errs = append(l.errs, many...)
		return
	}
	if one, ok := errors.AsType[*strictyaml.Error](err); ok {
		l.errs = append(l.errs, one)
		return
	}
	if channel != "" {
		err = fmt.Errorf("channel %q: %w", channel, err)
	}
	l.errorf(at, "%v", err)
}

func hint(word string, known []string) string {
	if s := strictyaml.Suggest(word, known); s != "" {
		return `did you mean "` + s + `"?`
	}
	if len(known) == 0 {
		return "there is none"
	}
	return "expected one of " + strings.Join(known, ", ")
}
