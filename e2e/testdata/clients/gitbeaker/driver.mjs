// Performs steps with @gitbeaker/rest, for TestClients: a call a line on
// standard input, an answer a line on standard output.

import { createInterface } from 'node:readline';
import { Gitlab } from '@gitbeaker/rest';

// Steps that the client has a call for. Its options are in camel case.
const own = {
  version: (gl) => gl.Metadata.show(),
  current_user: (gl) => gl.Users.showCurrentUser(),
  settings: (gl) => gl.ApplicationSettings.show(),
  update_settings: (gl, a) => gl.ApplicationSettings.edit(a),

  create_user: (gl, a) => gl.Users.create(a),
  block_user: (gl, { user }) => gl.Users.block(user),
  delete_user: (gl, { user }) => gl.Users.remove(user),
  create_access_token: (gl, { user, name, scopes }) => gl.PersonalAccessTokens.create(user, name, scopes),
  list_access_tokens: (gl, a) => gl.PersonalAccessTokens.all(a),
  rotate_access_token: (gl, { accessToken }) => gl.PersonalAccessTokens.rotate(accessToken),
  revoke_access_token: (gl, { accessToken }) => gl.PersonalAccessTokens.remove({ tokenId: accessToken }),

  create_group: (gl, { name, path, ...a }) => gl.Groups.create(name, path, a),
  group: (gl, { group }) => gl.Groups.show(group),
  update_group: (gl, { group, ...a }) => gl.Groups.edit(group, a),
  delete_group: (gl, { group }) => gl.Groups.remove(group),
  add_group_member: (gl, { group, user, accessLevel }) => gl.GroupMembers.add(group, accessLevel, { userId: user }),
  list_group_members: (gl, { group }) => gl.GroupMembers.all(group),
  update_group_member: (gl, { group, user, accessLevel }) => gl.GroupMembers.edit(group, user, accessLevel),
  remove_group_member: (gl, { group, user }) => gl.GroupMembers.remove(group, user),
  create_project: (gl, a) => gl.Projects.create(a),
  project: (gl, { project }) => gl.Projects.show(project),
  update_project: (gl, { project, ...a }) => gl.Projects.edit(project, a),
  delete_project: (gl, { project }) => gl.Projects.remove(project),
  add_project_member: (gl, { project, user, accessLevel }) => gl.ProjectMembers.add(project, accessLevel, { userId: user }),

  create_runner: (gl, { runnerType, ...a }) => gl.Users.createCIRunner(runnerType, a),
  register_runner: (gl, { token, ...a }) => gl.Runners.register(token, a),
  // Its two ways to call this want an id that the API has no place for, or any token.
  reset_registration_token: (gl) => gl.Runners.resetRegistrationToken({ token: 'any' }),
  runner: (gl, { runner }) => gl.Runners.show(runner),
  list_runners: (gl, a) => gl.Runners.all({ owned: true, ...a }),
  list_all_runners: (gl, a) => gl.Runners.all(a),
  list_every_page: (gl, a) => gl.Runners.all(a), // it follows pages unless told how many
  list_group_runners: (gl, { group, ...a }) => gl.Runners.all({ groupId: group, ...a }),
  list_project_runners: (gl, { project, ...a }) => gl.Runners.all({ projectId: project, ...a }),
  runner_jobs: (gl, { runner }) => gl.Runners.allJobs(runner),
  update_runner: (gl, { runner, ...a }) => gl.Runners.edit(runner, a),
  pause_runner: (gl, { runner, paused }) => gl.Runners.edit(runner, { paused }),
  assign_runner: (gl, { project, runner }) => gl.Runners.enable(project, runner),
  unassign_runner: (gl, { project, runner }) => gl.Runners.disable(project, runner),
  verify_runner: (gl, { token }) => gl.Runners.verify({ token }),
  delete_runner: (gl, { runner }) => gl.Runners.remove({ runnerId: runner }),
  unregister_runner: (gl, { token }) => gl.Runners.remove({ token }),
};

// Steps that it does with what its own calls are made of.
const generic = {
  reset_group_registration_token: (gl, { group }) =>
    request(gl, 'post', `groups/${group}/runners/reset_registration_token`),
  reset_project_registration_token: (gl, { project }) =>
    request(gl, 'post', `projects/${project}/runners/reset_registration_token`),
  runner_managers: (gl, { runner }) => request(gl, 'get', `runners/${runner}/managers`),
  rotate_runner: (gl, { runner }) => request(gl, 'post', `runners/${runner}/reset_authentication_token`),
  rotate_own_token: (gl, body) => request(gl, 'post', 'runners/reset_authentication_token', { body }),
};

async function request(gl, method, path, options) {
  return (await gl.Runners.requester[method](path, options)).body;
}

// camel turns GitLab's names of parameters into the client's.
function camel(parameters) {
  const name = (key) => key.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(parameters ?? {}).map(([key, value]) => [name(key), value]));
}

// show takes the named attributes of what the client returned.
function show(value, names) {
  if (Array.isArray(value)) return value.map((element) => show(element, names));
  return Object.fromEntries(
    names.map((name) => {
      if (!(name in value)) throw new Error(`no ${name} in ${JSON.stringify(value)}`);
      return [name, value[name]];
    }),
  );
}

async function answer(call) {
  const gl = new Gitlab({ host: process.argv[2], token: call.token });
  try {
    const value = await (own[call.step] ?? generic[call.step])(gl, camel(call.with));
    return { value: call.show && show(value, call.show) };
  } catch (error) {
    const status = error.cause?.response?.status;
    if (status === undefined) return { broken: error.stack };
    return { refused: { status, text: `${error.name}: ${error.message}` } };
  }
}

function say(object) {
  process.stdout.write(`${JSON.stringify(object)}\n`);
}

const how = (steps, word) => Object.keys(steps).map((step) => [step, word]);
say(Object.fromEntries([...how(own, 'own'), ...how(generic, 'generic')]));
for await (const line of createInterface({ input: process.stdin })) {
  say(await answer(JSON.parse(line)));
}
