package dispatch

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"baton.example/baton"
)

// gitlabVersion is the GitLab that Baton answers as.
const (
	gitlabMajor, gitlabMinor, gitlabPatch = "18", "11", "0"
	gitlabVersion                         = gitlabMajor + "." + gitlabMinor + "." + gitlabPatch + "-ee"
)

// A list gathers variables. Of two with the same name the last one counts.
type list []variable

func (l *list) public(key, value string) {
	*l = append(*l, variable{Key: key, Value: value, Public: true})
}

func (l *list) secret(key, value string) {
	*l = append(*l, variable{Key: key, Value: value, Masked: true})
}

// variables returns what the job's scripts see, the predefined ones first.
// https://docs.gitlab.com/ci/variables/predefined_variables/.
func (a *assembly) variables() []variable {
	var l list
	l.secret("CI_JOB_TOKEN", a.token.Reveal())
	repository := a.gitInfo().RepoURL
	l = append(l, variable{Key: "CI_REPOSITORY_URL", Value: repository})
	l.public("CI", "true")
	l.public("GITLAB_CI", "true")
	a.server(&l)
	a.projectVariables(&l)
	a.pipelineVariables(&l)
	a.jobVariables(&l)
	if a.user != nil {
		l.public("GITLAB_USER_ID", id(a.user.ID))
		l.public("GITLAB_USER_LOGIN", a.user.Username)
		l.public("GITLAB_USER_NAME", a.user.Name)
		l.public("GITLAB_USER_EMAIL", a.user.Email)
	}
	// There is no repository behind the project to fetch.
	l.public("GIT_STRATEGY", "none")
	for _, v := range a.recipe.Variables {
		l = append(l, variable{Key: v.Key, Value: v.Value, Public: true, Raw: v.Raw})
	}
	// What somebody keeps for jobs counts before what the configuration says.
	// https://docs.gitlab.com/ci/variables/#cicd-variable-precedence.
	for _, v := range a.secrets {
		l = append(l, variable{Key: v.Key, Value: v.Value.Reveal(), Masked: v.Masked, Raw: v.Raw, File: v.File})
	}
	return l
}

func id[ID ~int64](n ID) string { return strconv.FormatInt(int64(n), 10) }

func (a *assembly) server(l *list) {
	base := strings.TrimSuffix(a.url.String(), "/")
	port := a.url.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[a.url.Scheme]
	}
	l.public("CI_API_V4_URL", base+"/api/v4")
	l.public("CI_SERVER_URL", base)
	l.public("CI_SERVER_HOST", a.url.Hostname())
	l.public("CI_SERVER_PORT", port)
	l.public("CI_SERVER_PROTOCOL", a.url.Scheme)
	l.public("CI_SERVER_FQDN", a.url.Host)
	l.public("CI_SERVER_NAME", "GitLab")
	l.public("CI_SERVER_VERSION", gitlabVersion)
	l.public("CI_SERVER_VERSION_MAJOR", gitlabMajor)
	l.public("CI_SERVER_VERSION_MINOR", gitlabMinor)
	l.public("CI_SERVER_VERSION_PATCH", gitlabPatch)
}

func (a *assembly) projectVariables(l *list) {
	p := a.project
	root := a.above[len(a.above)-1]
	l.public("CI_PROJECT_ID", id(p.ID))
	l.public("CI_PROJECT_NAME", p.Path)
	l.public("CI_PROJECT_TITLE", p.Name)
	l.public("CI_PROJECT_DESCRIPTION", p.Description)
	l.public("CI_PROJECT_PATH", p.FullPath)
	l.public("CI_PROJECT_PATH_SLUG", slug(p.FullPath))
	l.public("CI_PROJECT_NAMESPACE", a.above[0].FullPath)
	l.public("CI_PROJECT_NAMESPACE_ID", id(p.NamespaceID))
	l.public("CI_PROJECT_ROOT_NAMESPACE", root.Path)
	l.public("CI_PROJECT_URL", strings.TrimSuffix(a.url.String(), "/")+"/"+p.FullPath)
	l.public("CI_PROJECT_VISIBILITY", string(p.Visibility))
	l.public("CI_DEFAULT_BRANCH", p.DefaultBranch)
	config := p.CIConfigPath
	if config == "" {
		config = ".gitlab-ci.yml"
	}
	l.public("CI_CONFIG_PATH", config)
}

func (a *assembly) pipelineVariables(l *list) {
	p := a.pipeline
	l.public("CI_PIPELINE_ID", id(p.ID))
	l.public("CI_PIPELINE_IID", strconv.Itoa(p.IID))
	l.public("CI_PIPELINE_SOURCE", string(p.Source))
	l.public("CI_PIPELINE_URL", strings.TrimSuffix(a.url.String(), "/")+"/"+a.project.FullPath+"/-/pipelines/"+id(p.ID))
	l.public("CI_PIPELINE_CREATED_AT", p.CreatedAt.UTC().Format(time.RFC3339))
	l.public("CI_COMMIT_SHA", p.SHA)
	l.public("CI_COMMIT_SHORT_SHA", p.SHA[:8])
	l.public("CI_COMMIT_BEFORE_SHA", zeroSHA)
	l.public("CI_COMMIT_REF_NAME", p.Ref)
	l.public("CI_COMMIT_REF_SLUG", slug(p.Ref))
	l.public("CI_COMMIT_REF_PROTECTED", strconv.FormatBool(p.Protected))
	l.public("CI_COMMIT_TIMESTAMP", p.CreatedAt.UTC().Format(time.RFC3339))
	if p.Tag {
		l.public("CI_COMMIT_TAG", p.Ref)
	} else {
		l.public("CI_COMMIT_BRANCH", p.Ref)
	}
}

func (a *assembly) jobVariables(l *list) {
	j := a.job
	l.public("CI_JOB_ID", id(j.ID))
	l.public("CI_JOB_NAME", j.Name)
	l.public("CI_JOB_NAME_SLUG", slug(j.Name))
	l.public("CI_JOB_STAGE", j.Stage)
	l.public("CI_JOB_URL", strings.TrimSuffix(a.url.String(), "/")+"/"+a.project.FullPath+"/-/jobs/"+id(j.ID))
	l.public("CI_JOB_STARTED_AT", j.StartedAt.UTC().Format(time.RFC3339))
	if j.Starts == baton.StartManual {
		l.public("CI_JOB_MANUAL", "true")
	}
	l.public("CI_NODE_TOTAL", "1")
	l.public("CI_RUNNER_ID", id(a.runner.ID))
	l.public("CI_RUNNER_DESCRIPTION", a.runner.Description)
	tags, err := json.Marshal(append([]string{}, a.runner.Tags...))
	if err == nil {
		l.public("CI_RUNNER_TAGS", string(tags))
	}
}

var notInSlug = regexp.MustCompile(`[^a-z0-9]`)

// maxSlug is how long a slug is, so that it can be part of a host name.
const maxSlug = 63

// slug makes a text fit for host names and URLs.
func slug(text string) string {
	s := notInSlug.ReplaceAllString(strings.ToLower(text), "-")
	if len(s) > maxSlug {
		s = s[:maxSlug]
	}
	return strings.Trim(s, "-")
}
