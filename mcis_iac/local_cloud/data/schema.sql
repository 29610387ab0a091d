-- One local cloud. Ids are made by the program. Tags, rules and settings are JSON.
-- No private key is ever stored here.
CREATE TABLE meta(key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL);

-- own = 1: the user chose the range. 0: subnets take blocks of the region's range of the pool.
CREATE TABLE network(
  id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL UNIQUE, region TEXT NOT NULL, cidr TEXT NOT NULL,
  own INT NOT NULL, tags TEXT NOT NULL);

-- grows = 1: takes another block when its ranges are full.
CREATE TABLE subnet(
  id TEXT PRIMARY KEY NOT NULL, network TEXT NOT NULL REFERENCES network, zone TEXT NOT NULL,
  cidr TEXT NOT NULL, grows INT NOT NULL);
CREATE TABLE subnet_range(
  cidr TEXT PRIMARY KEY NOT NULL, subnet TEXT NOT NULL REFERENCES subnet ON DELETE CASCADE);

CREATE TABLE security_group(
  id TEXT PRIMARY KEY NOT NULL, network TEXT NOT NULL REFERENCES network, name TEXT NOT NULL,
  rules TEXT NOT NULL, tags TEXT NOT NULL, UNIQUE(network, name));

CREATE TABLE key_pair(name TEXT PRIMARY KEY NOT NULL, public_key TEXT NOT NULL, tags TEXT NOT NULL);

CREATE TABLE boot_config(
  id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL UNIQUE, user_data TEXT NOT NULL, sha TEXT NOT NULL,
  tags TEXT NOT NULL);

-- launch: JSON of what instances copy, but for the boot config, which may change.
CREATE TABLE launch_template(
  id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL UNIQUE, launch TEXT NOT NULL, boot_config TEXT,
  instance_tags TEXT NOT NULL, tags TEXT NOT NULL);

-- private_ip: what its first instance got, kept for the next one.
CREATE TABLE address(
  id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL UNIQUE, region TEXT NOT NULL,
  public_ip TEXT NOT NULL UNIQUE, private_ip TEXT UNIQUE, tags TEXT NOT NULL);

-- key_pair, boot_config and template may be deleted while instances live, so they are not references.
CREATE TABLE instance(
  id TEXT PRIMARY KEY NOT NULL, num INT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
  region TEXT NOT NULL, zone TEXT NOT NULL, subnet TEXT NOT NULL REFERENCES subnet,
  private_ip TEXT NOT NULL UNIQUE, public_ip TEXT UNIQUE, mac TEXT NOT NULL UNIQUE,
  wants_public INT NOT NULL, address TEXT UNIQUE REFERENCES address,
  image TEXT NOT NULL, flavor TEXT NOT NULL, key_pair TEXT NOT NULL, public_key TEXT NOT NULL,
  user TEXT NOT NULL, boot_config TEXT, template TEXT, host_key TEXT NOT NULL,
  phase TEXT NOT NULL CHECK(phase IN ('pending', 'created', 'deleting')),
  creator_pid INT, creator_start INT,
  pid INT, pid_start INT, boot_id TEXT, created_at TEXT NOT NULL, tags TEXT NOT NULL, booted_at TEXT);
CREATE INDEX instance_subnet ON instance(subnet);
CREATE INDEX instance_template ON instance(template);

CREATE TABLE instance_group(
  instance TEXT NOT NULL REFERENCES instance ON DELETE CASCADE,
  security_group TEXT NOT NULL REFERENCES security_group,
  position INT NOT NULL, PRIMARY KEY(instance, security_group));
CREATE INDEX instance_group_group ON instance_group(security_group);

CREATE TABLE volume(
  id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL UNIQUE, zone TEXT NOT NULL, size_gib INT NOT NULL,
  instance TEXT REFERENCES instance ON DELETE SET NULL, mount TEXT, tags TEXT NOT NULL);
CREATE INDEX volume_instance ON volume(instance);

CREATE TABLE fault(
  id INTEGER PRIMARY KEY NOT NULL, pattern TEXT NOT NULL,
  action TEXT NOT NULL CHECK(action IN ('create', 'start', 'stop', 'reboot', 'delete')),
  code TEXT, delay_s REAL NOT NULL, times INT);
