package main

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// A series is a line in a chart.
type series struct {
	name   string
	color  string
	dash   string
	points [][2]float64
}

// Colours that the colour-blind can tell apart.
const (
	colorOurs   = "#0b6bcb"
	colorLibzmq = "#d9541e"
	colorOther  = "#6b7a89"
)

// Sizes of a chart.
const (
	chartWidth  = 760
	chartHeight = 380
	marginLeft  = 70
	marginRight = 210
	marginTop   = 40
	marginFoot  = 46
)

// axis is a logarithmic one.
type axis struct{ least, most, from, to float64 }

func newAxis(values []float64, from, to float64) axis {
	least, most := math.Floor(math.Log10(slices.Min(values))), math.Ceil(math.Log10(slices.Max(values)))
	return axis{least: least, most: max(most, least+1), from: from, to: to}
}

func (a axis) at(v float64) float64 {
	return a.from + (math.Log10(v)-a.least)/(a.most-a.least)*(a.to-a.from)
}

func (a axis) ticks() []float64 {
	var ticks []float64
	for e := a.least; e <= a.most; e++ {
		ticks = append(ticks, math.Pow(10, e))
	}
	return ticks
}

// short writes a tick.
func short(v float64) string {
	for _, unit := range []struct {
		of   float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= unit.of {
			return fmt.Sprintf("%g%s", v/unit.of, unit.name)
		}
	}
	return fmt.Sprintf("%g", v)
}

func openSVG(title string, height int) *strings.Builder {
	b := new(strings.Builder)
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", chartWidth, height)
	fmt.Fprintf(b, `<rect width="100%%" height="100%%" fill="#fff"/>`+"\n")
	writeText(b, 12, 22, "start", `font-size="15" font-weight="bold"`, title)
	return b
}

func writeText(b *strings.Builder, x, y float64, anchor, more, text string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="#222" %s>%s</text>`+"\n", x, y, anchor, more, html.EscapeString(text))
}

func writeLine(b *strings.Builder, x1, y1, x2, y2 float64, color string) {
	fmt.Fprintf(b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`+"\n", x1, y1, x2, y2, color)
}

// curveChart draws lines over logarithmic axes.
func curveChart(title, xName, yName string, all []series) string {
	var xs, ys []float64
	for _, s := range all {
		for _, p := range s.points {
			xs, ys = append(xs, p[0]), append(ys, p[1])
		}
	}
	if len(xs) == 0 {
		return ""
	}
	const left, right, top, foot = marginLeft, chartWidth - marginRight, marginTop, chartHeight - marginFoot
	x, y := newAxis(xs, left, right), newAxis(ys, foot, top)
	b := openSVG(title, chartHeight)
	for _, t := range x.ticks() {
		writeLine(b, x.at(t), top, x.at(t), foot, "#e3e3e3")
		writeText(b, x.at(t), foot+16, "middle", "", short(t))
	}
	for _, t := range y.ticks() {
		writeLine(b, left, y.at(t), right, y.at(t), "#e3e3e3")
		writeText(b, left-6, y.at(t)+4, "end", "", short(t))
	}
	writeText(b, (left+right)/2, chartHeight-10, "middle", "", xName)
	writeText(b, 14, (top+foot)/2, "middle", fmt.Sprintf(`transform="rotate(-90 14 %d)"`, (top+foot)/2), yName)
	for i, s := range all {
		var path strings.Builder
		for _, p := range s.points {
			fmt.Fprintf(&path, "%.1f,%.1f ", x.at(p[0]), y.at(p[1]))
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x.at(p[0]), y.at(p[1]), s.color)
		}
		style := fmt.Sprintf(`fill="none" stroke="%s" stroke-width="2" stroke-dasharray="%s"`, s.color, s.dash)
		fmt.Fprintf(b, `<polyline points="%s" %s/>`+"\n", strings.TrimSpace(path.String()), style)
		key := float64(top + 10 + 20*i)
		fmt.Fprintf(b, `<polyline points="%d,%.0f %d,%.0f" %s/>`+"\n", right+12, key, right+40, key, style)
		writeText(b, right+46, key+4, "start", "", s.name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// A bar is how many times better we are in one respect, and want to be.
type bar struct {
	name        string
	value, goal float64
}

// barChart draws bars from the line of 1, which is libzmq.
func barChart(title string, bars []bar) string {
	if len(bars) == 0 {
		return ""
	}
	const labels, step = 390, 19
	values := []float64{0.5, 2}
	for _, r := range bars {
		values = append(values, r.value)
	}
	least, most := slices.Min(values), slices.Max(values)
	x := axis{least: math.Log10(least), most: math.Log10(most * 1.3), from: labels, to: chartWidth - 50}
	height := marginTop + step*len(bars) + 30
	b := openSVG(title, height)
	for _, t := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100} {
		if t < least || t > most*1.3 {
			continue
		}
		color := "#e3e3e3"
		if t == 1 {
			color = "#222"
		}
		writeLine(b, x.at(t), marginTop-6, x.at(t), float64(height-24), color)
		writeText(b, x.at(t), float64(height-8), "middle", "", fmt.Sprintf("%g", t))
	}
	for i, r := range bars {
		top := float64(marginTop + step*i)
		from, to := min(x.at(1), x.at(r.value)), max(x.at(1), x.at(r.value))
		color := colorOurs
		if r.value < 1 {
			color = colorLibzmq
		}
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%d" fill="%s"/>`+"\n", from, top, to-from, step-5, color)
		writeText(b, labels-8, top+11, "end", `font-size="11"`, r.name)
		writeText(b, chartWidth-8, top+11, "end", `font-size="11"`, significant(r.value))
		if r.goal > 0 && r.goal >= least && r.goal <= most*1.3 {
			fmt.Fprintf(b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#222" stroke-width="2"/>`+"\n", x.at(r.goal), top-1, x.at(r.goal), top+step-4)
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}
