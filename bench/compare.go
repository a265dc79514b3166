package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// compareFiles tells how two revisions differ. The ratio to libzmq of the same
// run takes out how fast the machine was.
func compareFiles(w io.Writer, before, after string) error {
	var reports [2]*report
	for i, file := range []string{before, after} {
		r, err := readReport(file)
		if err != nil {
			return err
		}
		if r == nil {
			return fmt.Errorf("no file %s", file)
		}
		reports[i] = r
	}
	a, b := reports[0], reports[1]
	fmt.Fprintf(w, "A: %s, %s    B: %s, %s\n", a.Machine.Revision, a.Began.UTC().Format("2006-01-02 15:04"),
		b.Machine.Revision, b.Began.UTC().Format("2006-01-02 15:04"))
	fmt.Fprintf(w, "Change: of the ratio to libzmq, from A to B, + is better. Apart: the spreads of ours do not meet.\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "work\tcalls\t\tA\tB\tratio A\tratio B\tchange\t")
	for i := range a.Lines {
		for j := range b.Lines {
			if a.Lines[i].Name == b.Lines[j].Name {
				compareLines(t, &a.Lines[i], &b.Lines[j])
			}
		}
	}
	return t.Flush()
}

func compareLines(w io.Writer, a, b *measured) {
	for _, was := range withCPU(a) {
		for _, is := range withCPU(b) {
			if was.Metric != is.Metric || was.Lane != is.Lane || was.ratio == 0 || is.ratio == 0 {
				continue
			}
			change := is.ratio / was.ratio
			if !metrics[is.Metric].rising {
				change = 1 / change
			}
			note := ""
			x, y := was.mine.Metrics[is.Metric], is.mine.Metrics[is.Metric]
			if x.Max < y.Min || y.Max < x.Min {
				note = "apart"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%+.0f %%\t%s\n", a.Name, is.Lane, is.Metric,
				number(was.mine, is.Metric), number(is.mine, is.Metric), ratioText(was.ratio), ratioText(is.ratio), 100*(change-1), note)
		}
	}
}

// withCPU are the verdicts of a line, and one more for the processor time of each lane.
func withCPU(m *measured) []verdict {
	more := *m
	told := map[string]bool{}
	for _, g := range m.Goals {
		if !told[g.Lane] {
			told[g.Lane] = true
			more.Goals = append(more.Goals[:len(more.Goals):len(more.Goals)], goal{Metric: "CPU", Lane: g.Lane})
		}
	}
	return more.verdicts()
}
