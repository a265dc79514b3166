package zmq

import (
	"cmp"
	"slices"
)

// OptionInfo describes an option: a row of the table that the With functions,
// ParseOption, Set and Option stand on.
type OptionInfo struct {
	Name     string // as ParseOption takes it
	Number   int    // libzmq's; 0 for an option of ours alone
	Kind     string // "int", "bool", "duration" or "text"
	Unit     string
	Default  string // as Option writes it
	Doc      string // one sentence
	Applies  []Type // empty: every type
	Live     bool   // acts on connections that are there, not only on later ones
	ReadOnly bool
	// WriteOnly options do something and keep no value, or are secrets.
	WriteOnly bool
}

// Options returns the table of options, in the order of libzmq's numbers.
func Options() []OptionInfo {
	kinds := [...]string{kindInt: "int", kindBool: "bool", kindDuration: "duration", kindText: "text"}
	initial := defaults()
	list := make([]OptionInfo, 0, len(optionTable))
	for i := range optionTable {
		row := &optionTable[i]
		info := OptionInfo{
			Name: row.name, Number: row.number, Kind: kinds[row.kind], Unit: row.unit, Doc: row.doc,
			Applies: append([]Type(nil), row.applies...), Live: row.live, ReadOnly: row.readOnly, WriteOnly: row.get == nil && !row.readOnly,
		}
		if row.get != nil {
			info.Default = row.format(row.get(&initial))
		}
		list = append(list, info)
	}
	slices.SortStableFunc(list, func(a, b OptionInfo) int { return cmp.Compare(number(a), number(b)) })
	return list
}

// number sorts options of ours behind libzmq's.
func number(o OptionInfo) int {
	if o.Number == 0 {
		return 1 << 20
	}
	return o.Number
}
