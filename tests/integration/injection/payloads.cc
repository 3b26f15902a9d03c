#include "tests/integration/injection/payloads.h"

namespace laptime::testing {
namespace {

// Every beginning with every end: what closes the text before, what is done, what hides the rest.
void Combine(std::vector<Payload>& payloads, const std::string& family,
             const std::vector<std::string>& begins, const std::vector<std::string>& bodies,
             const std::vector<std::string>& ends) {
  for (const std::string& body : bodies) {
    for (const std::string& begin : begins) {
      for (const std::string& end : ends)
        payloads.push_back({family, std::string(begin).append(body).append(end)});
    }
  }
}

void AddAll(std::vector<Payload>& payloads, const std::string& family,
            const std::vector<std::string>& texts) {
  for (const std::string& text : texts) payloads.push_back({family, text});
}

}  // namespace

std::vector<Payload> SqlPayloads(const std::string& outside) {
  std::vector<Payload> payloads;
  Combine(payloads, "tautology", {"' ", "\" ", "') ", "1 "}, {"OR 1=1", "OR 'a'='a'"}, {" --", ""});
  Combine(payloads, "stacked", {"'; ", "\"; ", "1; ", "x'); "},
          {"DROP TABLE run", "DELETE FROM run", "UPDATE run SET state=4",
           "INSERT INTO host(id,name) VALUES('x','x')"},
          {"; --"});
  Combine(payloads, "union", {"' ", "') "},
          {"UNION SELECT sql FROM sqlite_schema", "UNION ALL SELECT 1,2,3,4,5,6,7,8"}, {" --"});
  Combine(payloads, "files", {"'; ", "1; "},
          {"ATTACH DATABASE '" + outside + "/attached.db' AS a; CREATE TABLE a.t(x)",
           "VACUUM INTO '" + outside + "/copy.db'", "PRAGMA journal_mode=DELETE",
           "PRAGMA writable_schema=1"},
          {"; --"});
  Combine(
      payloads, "functions", {"' || ", "1, "},
      {"load_extension('x')", "writefile('" + outside + "/written','x')", "randomblob(900000000)"},
      {" || '", ") --"});
  AddAll(payloads, "endless",
         {"' OR (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) "
          "FROM c) --"});
  AddAll(payloads, "quoting",
         {"\\'; DROP TABLE run; --", "''; DROP TABLE run; --", "%27; DROP TABLE run; --",
          "\xEF\xBC\x87; DROP TABLE run; --", "`; DROP TABLE run; --", "]; DROP TABLE run; --",
          std::string("'\0; DROP TABLE run; --", 23), "'/**/OR/**/1=1/**/--",
          "';\nDROP TABLE run;--", "?1", ":name", "@p", "$1"});
  AddAll(payloads, "wildcards", {"%", "_", "*", "[a-z]*", "%%%%", "\\%"});
  AddAll(payloads, "filters",
         {"device=\"x' OR 1=1 --\"", "label.a'b=c", "id=' OR 1=1", "workload~%' OR 1=1 --",
          "state=succeeded' OR 1=1", "id=\"x\"\" OR 1=1\"", "rowid=1", "sqlite_schema=1", "1=1",
          "device=x) OR (1=1"});
  return payloads;
}

std::vector<Payload> PathPayloads(const std::string& outside) {
  std::vector<Payload> payloads;
  Combine(payloads, "climbing", {"../", "../../", "../../../../../../../../", "./../", "a/../../"},
          {"outside/climbed"}, {"", ".db", std::string("\0.txt", 5)});
  Combine(payloads, "absolute", {""}, {outside + "/absolute", "/" + outside + "/twice"},
          {"", "/", ".toml"});
  Combine(payloads, "encoded", {"%2e%2e%2f", "..%2f", "..%c0%af", "....//", "..\\", "..%5c"},
          {"outside/encoded"}, {""});
  AddAll(payloads, "systems",
         {"/etc/passwd", "file:///etc/passwd", "~/.ssh/authorized_keys", "/proc/self/environ",
          "\\\\host\\share", "C:\\x", ".", "..", "/", "//", "/dev/full", "-rf", "--help"});
  Combine(payloads, "shell", {"", "x"},
          {"$(touch " + outside + "/shell)", "`touch " + outside + "/shell`",
           "; touch " + outside + "/shell", "| touch " + outside + "/shell",
           "\ntouch " + outside + "/shell\n", "&& touch " + outside + "/shell",
           "> " + outside + "/shell"},
          {""});
  return payloads;
}

std::vector<Payload> OutputPayloads() {
  std::vector<Payload> payloads;
  AddAll(payloads, "terminal",
         {"\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x1b]52;c;cm0gLXJm\x07", "\x1bP1$r\x1b\\",
          "\x1b[6n", "\x1b]8;;http://x\x07link\x1b]8;;\x07", "\x1b[31mred",
          "\x1b"
          "c",
          "\xC2\x9B"
          "2J",
          "\xC2\x90q\xC2\x9C", "a\bb\b", "good\rbad ", "\x07\x07", "\x7f", "\x0e",
          std::string("a\0b", 3), "line\nerror: forged", "tab\tstop", "\x0b\x0c"});
  AddAll(payloads, "direction",
         {"\xE2\x80\xAE"
          "txt.exe",
          "\xE2\x80\xAD"
          "a",
          "\xE2\x81\xA6"
          "a\xE2\x81\xA9",
          "\xE2\x81\xA7"
          "a",
          "\xE2\x81\xA8"
          "a",
          "\xE2\x80\x8E"
          "a",
          "\xE2\x80\x8F"
          "a",
          "\xD8\x9C"
          "a",
          "a\xE2\x80\xA8"
          "b",
          "a\xE2\x80\xA9"
          "b"});
  Combine(payloads, "formula",
          {"=", "+", "-", "@", " =",
           "\t=", "\r=", "a;=", "a\t=", "a,=", "\"=", "\";=", "x\n=", "; -", "'\n+"},
          {"1+1", "cmd|' /C calc'!A0", "HYPERLINK(\"http://x\",\"y\")"}, {""});
  AddAll(payloads, "html",
         {"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>",
          "</td></tr></table>", "<!--", "]]>", "&lt;script&gt;", "<a href=javascript:alert(1)>",
          "[x](javascript:alert(1))", "![x](http://x/y.png)", "a | b | c |", "\\\\| a", "```\n# x",
          "**b** _i_ ~~s~~", "</script><script>", "<"});
  return payloads;
}

}  // namespace laptime::testing
