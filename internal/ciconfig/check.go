package ciconfig

import (
	"slices"
	"strings"
)

// The stages at the edges, which every configuration has.
const (
	firstStage = ".pre"
	lastStage  = ".post"
)

// withEdges returns the stages in order, from the words of the configuration.
func withEdges(stages []string) []string {
	if len(stages) == 0 {
		stages = []string{"build", "test", "deploy"}
	}
	inner := slices.DeleteFunc(unique(slices.Clone(stages)), func(s string) bool { return s == firstStage || s == lastStage })
	return slices.Concat([]string{firstStage}, inner, []string{lastStage})
}

// A checker checks what jobs have to do with each other.
type checker struct {
	stages []string
	jobs   []draftJob
	byName map[string]*draftJob
}

// check notes every problem with the reader that the jobs came from.
func (k *checker) check() {
	k.byName = make(map[string]*draftJob, len(k.jobs))
	placed := true
	for i := range k.jobs {
		j := &k.jobs[i]
		k.byName[j.Name] = j
		placed = k.stage(j) && placed
	}
	if !placed {
		return // what follows compares stages
	}
	for i := range k.jobs {
		k.needs(&k.jobs[i])
		k.dependencies(&k.jobs[i])
	}
	k.circles()
}

func (k *checker) position(j *draftJob) int { return slices.Index(k.stages, j.Stage) }

func (k *checker) stage(j *draftJob) bool {
	if k.position(j) >= 0 {
		return true
	}
	j.word("stage").fail("chosen stage %s does not exist; available stages are %s", j.Stage, strings.Join(k.stages, ", "))
	return false
}

func (k *checker) needs(j *draftJob) {
	at := j.word("needs")
	seen := make(map[string]bool)
	for _, n := range j.Needs {
		needed, exists := k.byName[n.Job]
		switch {
		case seen[n.Job]:
			at.fail("has the following duplicate: %s", n.Job)
		case !exists && !n.Optional:
			at.fail("undefined need: %s", n.Job)
		case exists && k.position(needed) > k.position(j):
			at.fail("need %s is not defined in current or prior stages", n.Job)
		}
		seen[n.Job] = true
	}
}

func (k *checker) dependencies(j *draftJob) {
	at := j.word("dependencies")
	for _, name := range j.Dependencies {
		on, exists := k.byName[name]
		switch {
		case !exists:
			at.fail("undefined dependency: %s", name)
		case j.HasNeeds && !slices.ContainsFunc(j.Needs, func(n Need) bool { return n.Job == name }):
			at.fail("the %s should be part of needs", name)
		case !j.HasNeeds && k.position(on) >= k.position(j):
			at.fail("dependency %s is not defined in prior stages", name)
		}
	}
}

// circles finds jobs that wait for themselves. A job without needs waits for
// the stages before, and no need leads to a later stage, so that only needs can
// close a circle.
func (k *checker) circles() {
	const walking, done = 1, 2
	state := make(map[string]int, len(k.jobs))
	var path []string
	var walk func(j *draftJob) bool
	walk = func(j *draftJob) bool {
		switch state[j.Name] {
		case done:
			return false
		case walking:
			circle := append(path[slices.Index(path, j.Name):], j.Name)
			j.word("needs").fail("form a circle: %s", strings.Join(circle, " needs "))
			return true
		}
		state[j.Name] = walking
		path = append(path, j.Name)
		for _, n := range j.Needs {
			if needed, exists := k.byName[n.Job]; exists && walk(needed) {
				return true
			}
		}
		path = path[:len(path)-1]
		state[j.Name] = done
		return false
	}
	for i := range k.jobs {
		if walk(&k.jobs[i]) {
			return
		}
	}
}
