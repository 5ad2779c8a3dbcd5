package ciconfig

// maxNeeds is how many jobs a job may need.
const maxNeeds = 50

// needs reads the jobs to wait for: names, or hashes with more of them.
func (v value) needs() []Need {
	if v.kind() != sequence {
		v.fail("config can only be a hash or an array")
		return nil
	}
	all := []Need{}
	for _, e := range v.elements() {
		all = append(all, e.need())
	}
	if len(all) > maxNeeds {
		v.fail("has too many needs (maximum is %d)", maxNeeds)
	}
	return all
}

func (v value) need() Need {
	n := Need{Artifacts: true}
	switch v.kind() {
	case text:
		n.Job = v.node.Value
	case mapping:
		read(v, &n, []keyword[Need]{
			{"job", func(v value, n *Need) { n.Job = v.string() }},
			{"artifacts", func(v value, n *Need) { n.Artifacts = v.bool() }},
			{"optional", func(v value, n *Need) { n.Optional = v.bool() }},
		})
	default:
		v.fail("has an unsupported type")
		return n
	}
	if n.Job == "" {
		v.fail("job can't be blank")
	}
	return n
}
