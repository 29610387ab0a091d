-- From schema 2: when each machine was started, and faults of every power action.
ALTER TABLE instance ADD COLUMN booted_at TEXT;
ALTER TABLE fault RENAME TO fault_before;
CREATE TABLE fault(
  id INTEGER PRIMARY KEY NOT NULL, pattern TEXT NOT NULL,
  action TEXT NOT NULL CHECK(action IN ('create', 'start', 'stop', 'reboot', 'delete')),
  code TEXT, delay_s REAL NOT NULL, times INT);
INSERT INTO fault SELECT * FROM fault_before;
DROP TABLE fault_before;
