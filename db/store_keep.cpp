// What of a workspace's files the database needs.
#include "db/store.h"

namespace reprise::db {

std::set<std::string> Store::artifact_digests() const {
  Statement query(*connection_,
                  "SELECT DISTINCT json_extract(a.value, '$.sha256')"
                  " FROM results r, json_each(r.body, '$.artifacts') a"
                  " WHERE json_type(a.value, '$.sha256') = 'text'");
  std::set<std::string> digests;
  while (query.step()) digests.insert(query.text(0));
  return digests;
}

std::set<std::string> Store::planned_stages() const {
  Statement query(*connection_, "SELECT DISTINCT stage FROM study_stages");
  std::set<std::string> ids;
  while (query.step()) ids.insert(query.text(0));
  return ids;
}

}  // namespace reprise::db
