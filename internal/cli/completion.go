package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"Shell: bash, zsh or fish."`
}

// Help is the long help of the command.
func (completionCmd) Help() string {
	return `
What it prints lets the shell complete commands, flags, their values and the names of saved servers.
Put it where the shell reads it at its start:

  bash: eval "$(baton completion bash)" in ~/.bashrc
  zsh:  eval "$(baton completion zsh)" in ~/.zshrc, after compinit
  fish: baton completion fish | source in ~/.config/fish/config.fish

Examples:

  baton completion bash
  baton completion zsh
  baton completion fish`
}

// The scripts give all words up to the cursor to the hidden command, and leave
// it to the shell to offer files where that has nothing to say.
var completionScripts = map[string]string{
	"bash": `_baton() {
    local IFS=$'\n'
    COMPREPLY=($(compgen -W "$(baton __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]#=}"))
}
complete -o default -F _baton baton
`,
	"zsh": `_baton() {
    local -a found
    found=("${(@f)$(baton __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "$found" ]]; then compadd -- "${found[@]}"; else _files; fi
}
compdef _baton baton
`,
	"fish": `function __baton_complete
    set -l found (baton __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)
    if test -n "$found"
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c baton -f -a '(__baton_complete)'
`,
}

// Run prints the script.
func (c *completionCmd) Run(std Stdio) error {
	_, err := fmt.Fprint(std.Out, completionScripts[c.Shell])
	return err
}

// completeCmd is what the scripts call.
type completeCmd struct {
	Words []string `arg:"" optional:"" passthrough:"" help:"Words of the command line after baton, up to the cursor."`
}

// Run prints what the last word may become, a line each.
func (c *completeCmd) Run(parsed *kong.Context, std Stdio) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		words = []string{""}
	}
	var names []string
	if saved, err := loadServers(std); err == nil { // nothing to offer is no reason to complain
		names = slices.Sorted(maps.Keys(saved.Servers))
	}
	for _, word := range completions(parsed.Model.Node, words, names) {
		if _, err := fmt.Fprintln(std.Out, word); err != nil {
			return err
		}
	}
	return nil
}

// completions returns what the last of the words may become. It walks the
// commands as the parser does: kong has no completion of its own, and the
// module that adds one completes neither --flag=value nor --no-flag, and brings
// five others along.
func completions(node *kong.Node, words []string, servers []string) []string {
	last := words[len(words)-1]
	var value *kong.Value // that comes next
	arguments := 0
	for _, word := range words[:len(words)-1] {
		name, _, assigned := strings.Cut(word, "=")
		child := childOf(node, word)
		switch {
		case word == "=": // bash cuts --flag=value into three
		case value != nil:
			value = nil
		case strings.HasPrefix(word, "-"):
			if f := flagOf(node, name); f != nil && !f.IsBool() && !assigned {
				value = f.Value
			}
		case child != nil:
			node = child
		default:
			arguments++
		}
	}
	name, begun, assigned := strings.Cut(last, "=")
	switch f := flagOf(node, name); {
	case value != nil:
		return beginning(strings.TrimPrefix(last, "="), "", valuesOf(value, servers))
	case assigned && f != nil:
		return beginning(begun, name+"=", valuesOf(f.Value, servers))
	case strings.HasPrefix(last, "-"):
		return beginning(last, "", flagsOf(node))
	case len(node.Children) > 0:
		var names []string
		for _, c := range node.Children {
			if !c.Hidden {
				names = append(names, c.Name)
			}
		}
		return beginning(last, "", names)
	case arguments < len(node.Positional):
		return beginning(last, "", valuesOf(node.Positional[arguments], servers))
	}
	return nil
}

func childOf(node *kong.Node, name string) *kong.Node {
	for _, c := range node.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// flagOf returns the flag that a word names, nil if there is none.
func flagOf(node *kong.Node, word string) *kong.Flag {
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			if word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) {
				return f
			}
		}
	}
	return nil
}

// flagsOf returns all flags of a command.
func flagsOf(node *kong.Node) []string {
	var names []string
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			names = append(names, "--"+f.Name)
			if f.Tag.Negatable != "" {
				names = append(names, "--no-"+f.Name)
			}
		}
	}
	return names
}

// valuesOf returns what a flag or argument can be, as far as that is known.
func valuesOf(v *kong.Value, servers []string) []string {
	if v.Tag.Get("complete") == "server" {
		return servers
	}
	if v.Enum == "" {
		return nil
	}
	return v.EnumSlice()
}

// beginning returns the words that begin as typed, each after what stands
// before it.
func beginning(typed, before string, words []string) []string {
	var found []string
	for _, word := range words {
		if strings.HasPrefix(word, typed) {
			found = append(found, before+word)
		}
	}
	return found
}

type helpCmd struct {
	Command []string `arg:"" optional:"" help:"Command to explain, all of them unless given."`
}

// Help is the long help of the command.
func (helpCmd) Help() string {
	return `
Examples:

  baton help
  baton help runner create`
}

// Run prints what --help prints.
func (c *helpCmd) Run(parsed *kong.Context) error {
	_, err := parsed.Parse(append(c.Command, "--help")) // which ends there
	return usagef("%v", err)
}
