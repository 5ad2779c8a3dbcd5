# frozen_string_literal: true

# Performs steps with ruby-gitlab, for TestClients: a call a line on standard
# input, an answer a line on standard output.

require 'gitlab'

# Steps that the client has a call for.
OWN = {
  version: ->(c, _) { c.version },
  current_user: ->(c, _) { c.user },
  settings: ->(c, _) { c.application_settings },
  update_settings: ->(c, a) { c.edit_application_settings(a) },

  create_user: ->(c, a) { c.create_user(a.delete(:email), a.delete(:password), a.delete(:username), a) },
  block_user: ->(c, a) { c.block_user(a[:user]) },
  delete_user: ->(c, a) { c.delete_user(a[:user]) },

  create_group: ->(c, a) { c.create_group(a.delete(:name), a.delete(:path), a) },
  group: ->(c, a) { c.group(a[:group]) },
  update_group: ->(c, a) { c.edit_group(a.delete(:group), a) },
  delete_group: ->(c, a) { c.delete_group(a[:group]) },
  add_group_member: ->(c, a) { c.add_group_member(a[:group], a[:user], a[:access_level]) },
  list_group_members: ->(c, a) { c.group_members(a[:group]) },
  update_group_member: ->(c, a) { c.edit_group_member(a[:group], a[:user], a[:access_level]) },
  remove_group_member: ->(c, a) { c.remove_group_member(a[:group], a[:user]) },
  create_project: ->(c, a) { c.create_project(a.delete(:name), a) },
  project: ->(c, a) { c.project(a[:project]) },
  update_project: ->(c, a) { c.edit_project(a.delete(:project), a) },
  delete_project: ->(c, a) { c.delete_project(a[:project]) },
  add_project_member: ->(c, a) { c.add_team_member(a[:project], a[:user], a[:access_level]) },

  register_runner: ->(c, a) { noticed(c.register_runner(a.delete(:token), a)) },
  runner: ->(c, a) { c.runner(a[:runner]) },
  list_runners: ->(c, a) { c.runners(commas(a)) },
  list_all_runners: ->(c, a) { c.all_runners(commas(a)) },
  list_every_page: ->(c, a) { c.all_runners(commas(a)).auto_paginate },
  list_group_runners: ->(c, a) { c.group_runners(a.delete(:group), commas(a)) },
  # An array here, which the client sends as tag_list[].
  list_project_runners: ->(c, a) { c.project_runners(a.delete(:project), a) },
  runner_jobs: ->(c, a) { c.runner_jobs(a[:runner]) },
  update_runner: ->(c, a) { c.update_runner(a.delete(:runner), a) },
  pause_runner: ->(c, a) { c.update_runner(a[:runner], active: !a[:paused]) },
  assign_runner: ->(c, a) { c.project_enable_runner(a[:project], a[:runner]) },
  unassign_runner: ->(c, a) { c.project_disable_runner(a[:project], a[:runner]) },
  verify_runner: ->(c, a) { c.verify_auth_registered_runner(a[:token]) },
  delete_runner: ->(c, a) { c.delete_runner(a[:runner]) },
  unregister_runner: ->(c, a) { c.delete_registered_runner(a[:token]) }
}.freeze

# Steps that it does with its calls for any path.
GENERIC = {
  create_access_token: ->(c, a) { c.post("/users/#{a.delete(:user)}/personal_access_tokens", body: a) },
  list_access_tokens: ->(c, a) { c.get('/personal_access_tokens', query: a) },
  rotate_access_token: ->(c, a) { c.post("/personal_access_tokens/#{a[:access_token]}/rotate") },
  revoke_access_token: ->(c, a) { c.delete("/personal_access_tokens/#{a[:access_token]}") },
  create_runner: ->(c, a) { c.post('/user/runners', body: a) },
  reset_registration_token: ->(c, _) { c.post('/runners/reset_registration_token') },
  reset_group_registration_token: ->(c, a) { c.post("/groups/#{a[:group]}/runners/reset_registration_token") },
  reset_project_registration_token: ->(c, a) { c.post("/projects/#{a[:project]}/runners/reset_registration_token") },
  runner_managers: ->(c, a) { c.get("/runners/#{a[:runner]}/managers") },
  rotate_runner: ->(c, a) { c.post("/runners/#{a[:runner]}/reset_authentication_token") },
  rotate_own_token: ->(c, a) { c.post('/runners/reset_authentication_token', body: a) }
}.freeze

# The client knows no 410, and returns it as if it had worked: whoever registers
# has to look whether there is a token.
class Unnoticed < StandardError; end

def noticed(registered)
  return registered if registered.respond_to?(:token)

  raise Unnoticed, registered.message
end

# Its documentation has lists of tags in a query as texts with commas.
def commas(options)
  options.transform_values { |value| value.is_a?(Array) ? value.join(',') : value }
end

# Takes the named attributes of what the client returned.
def show(value, names)
  case value
  when Gitlab::PaginatedResponse, Array then value.map { |element| show(element, names) }
  else names.to_h { |name| [name, plain(value.public_send(name))] }
  end
end

def plain(value)
  case value
  when Gitlab::ObjectifiedHash then value.to_h
  when Array then value.map { |element| plain(element) }
  else value
  end
end

def answer(call)
  client = Gitlab.client(endpoint: "#{ARGV[0]}/api/v4", private_token: call['token'])
  step = call['step'].to_sym
  value = (OWN[step] || GENERIC[step]).call(client, (call['with'] || {}).transform_keys(&:to_sym))
  { value: call['show'] && show(value, call['show']) }
rescue Gitlab::Error::ResponseError => e
  { refused: { status: e.response_status, text: "#{e.class}: #{e.message}" } }
rescue Unnoticed => e
  { refused: { status: e.message.to_i, text: "no error, but an object: #{e.message}" } }
rescue StandardError => e
  { broken: e.full_message }
end

def say(object)
  puts JSON.generate(object)
  $stdout.flush
end

say OWN.transform_values { 'own' }.merge(GENERIC.transform_values { 'generic' })
$stdin.each_line { |line| say answer(JSON.parse(line)) }
