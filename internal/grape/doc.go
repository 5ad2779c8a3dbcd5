// Package grape reads the parameters of a request the way GitLab does.
//
// GitLab's REST API is written with Grape, a Ruby framework, on top of Rack.
// Clients depend on what those two accept (the string "yes" for a boolean,
// " 12 " for an integer, "a,b" for a list) and on the sentences in which they
// refuse. This package is that behaviour and nothing else: it knows no
// endpoint, no database and no permission.
//
// # Two steps
//
// [Read] merges query, body and path into one map, [Params]. It fails only
// when the request cannot be read at all; GitLab answers such a request before
// it looks at the caller's token. [Bind] fills a struct from the map and fails
// with every parameter error at once; GitLab does that after the token and its
// scope are known. Both errors go to the client as {"error": err.Error()}.
//
//	type createRunner struct {
//		RunnerType  RunnerType       `param:"runner_type" required:"true" values:"instance_type,group_type,project_type"`
//		GroupID     GroupID          `param:"group_id" required:"true" given:"runner_type=group_type"`
//		Description grape.Opt[string] `param:"description" doc:"Shown in lists."`
//		Paused      bool             `param:"paused"`
//		TagList     []string         `param:"tag_list,csv"`
//	}
//
// # Fields
//
// The type of a field says how its parameter is read:
//
//	string                  text; numbers and booleans become text
//	string   param:"x,date" YYYY-MM-DD; a full timestamp is cut to its date
//	bool                    true, 1, t, yes, y, on and their opposites
//	int, int8 … int64       decimal text or a number, cut at the decimal point
//	time.Time               ISO 8601, in UTC when no zone is named
//	[]string                a JSON array or x[]=a&x[]=b
//	[]string param:"x,csv"  the same, or "a,b"; never an error
//	[]int64  param:"x,csv"  the same for integers; "a" is an error
//	struct                  a hash: {"x":{"y":1}} or x[y]=1
//	[]struct                an array of hashes: {"x":[{"y":1}]} or x[][y]=1
//
// Named types of these kinds work too. [Opt] around any of them tells absent,
// null and value apart. Embedded structs are read as if their fields stood in
// the outer struct; other fields without a param tag are left alone.
//
// # Rules
//
//	required:"true"       the key must be there ("x is missing"); null is enough
//	values:"a,b"          "x does not have a valid value"; for lists, each element
//	except:"0"            "x has a value not allowed"
//	min:"1"               "x does not have a valid value" below it
//	match:"^[0-9]"        "x is invalid" unless the expression matches
//	given:"y=v"           the field exists only when y, declared before it, was bound to v
//	default:"20"          for a parameter that is absent, null, or blank and not text
//	doc:"…"               a sentence for the API description, see [Fields]
//
// Rules about several parameters stand on blank fields, and report where they
// are declared:
//
//	_ struct{} `exclusive:"active,paused"`
//	_ struct{} `at_least_one:"name,path"`
//	_ struct{} `exactly_one:"id,path"`
//	_ struct{} `at_least_one:"name,path" or:"x"`
//
// The last is content with x too, which its sentence does not name.
//
// A null or "" fails values when the field is required. When it is optional,
// null counts as absent, while "" is a value of a text field and so an error.
// A parameter of the wrong type is reported as invalid once and its other
// rules are skipped. A struct with a malformed tag is a mistake in the program:
// the first use of its type panics.
//
// # Limits
//
// Keys and JSON nest at most 32 levels deep, a query or form holds at most 4096
// pairs, a JSON document 100,000 elements, the text fields of a multipart body
// one mebibyte. These are Rack's numbers where it has one. Pairs are separated
// by "&" alone, as in Rack 3.
//
// NUL bytes, invalid UTF-8 and an incomplete percent-encoding are refused with
// 400 and Grape's sentence for an unreadable query. GitLab refuses the first
// two in front of Grape with a body that is UNVERIFIED.
//
// Sources: https://github.com/ruby-grape/grape#parameter-validation-and-coercion
// and its lib/grape/locale/en.yml; https://docs.gitlab.com/api/rest/;
// https://github.com/rack/rack, lib/rack/query_parser.rb.
package grape
