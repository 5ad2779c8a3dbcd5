# Runners of every kind, for TestTerraform.
terraform {
  required_providers {
    gitlab = { source = "gitlabhq/gitlab" }
  }
}

variable "url" { type = string }
variable "token" { type = string }
variable "group" { type = number }
variable "project" { type = number }
variable "description" { type = string }

provider "gitlab" {
  base_url = "${var.url}/api/v4/"
  token    = var.token
}

resource "gitlab_user_runner" "instance" {
  runner_type     = "instance_type"
  description     = var.description
  tag_list        = ["docker", "linux"]
  untagged        = false
  maximum_timeout = 3600
  access_level    = "ref_protected"
}

resource "gitlab_user_runner" "group" {
  runner_type = "group_type"
  group_id    = var.group
  paused      = true
}

resource "gitlab_user_runner" "project" {
  runner_type = "project_type"
  project_id  = var.project
  locked      = true
}
