#include "datasets_h5/cli.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "datasets_h5/contact_sheet.h"
#include "datasets_h5/dataset_file.h"
#include "datasets_h5/import_report.h"
#include "datasets_h5/importer.h"
#include "datasets_h5/phantom.h"
#include "sweep/error.h"
#include "sweep/printable.h"

namespace reprise::datasets {
namespace {

/// "128x160x24" as numbers.
template <std::size_t Count>
std::array<int, Count> parse_sides(const std::string& text) {
  std::array<int, Count> sides{};
  const char* at = text.data();
  const char* end = at + text.size();
  for (std::size_t i = 0; i < Count; ++i) {
    const auto [next, error] = std::from_chars(at, end, sides[i]);
    const bool separated = i + 1 == Count ? next == end : next != end && *next == 'x';
    if (error != std::errc{} || !separated) {
      throw_invalid("--size " + text + ": need " + std::to_string(Count) + " numbers joined by x");
    }
    at = next + 1;
  }
  return sides;
}

void add_phantom(CLI::App& data) {
  CLI::App* phantom = data.add_subcommand("phantom", "Make synthetic volumes");
  phantom->require_subcommand(1);
  for (const PhantomKind& kind : phantom_kinds()) {
    struct Arguments {
      std::string out;
      std::string size;
      PhantomOptions options;
    };
    const auto arguments = std::make_shared<Arguments>();
    arguments->options.kind = kind.name;
    const auto shown = [](const std::array<int, 3>& size) {
      return std::to_string(size[0]) + "x" + std::to_string(size[1]) + "x" +
             std::to_string(size[2]);
    };
    CLI::App* command = phantom->add_subcommand(kind.name, kind.help);
    command->add_option("-o,--out", arguments->out, "Folder to fill")->required();
    command->add_option("--subjects", arguments->options.subjects, "How many")
        ->capture_default_str();
    command->add_option("--size", arguments->size,
                        "Voxels XxYxZ (default " + shown(kind.small) +
                            "; the paper's volumes: " + shown(kind.full) + ")");
    command->add_option("--seed", arguments->options.seed, "Seed of the anatomy")
        ->capture_default_str();
    command->callback([arguments, importer = kind.importer] {
      if (!arguments->size.empty()) arguments->options.size = parse_sides<3>(arguments->size);
      const auto ids = write_phantom(arguments->out, arguments->options);
      std::cout << "wrote " << ids.size() << " subjects to " << arguments->out
                << "; next: reprise data import " << importer << " " << arguments->out
                << " -o FILE.h5\n";
    });
  }
}

struct ImportArguments {
  std::string source;
  std::string root;
  std::string out;
  std::string size;
  std::vector<std::string> groups;  ///< "NAME=LABEL,LABEL".
  ImportOptions options;
};

void add_common_options(CLI::App& command, const std::shared_ptr<ImportArguments>& arguments) {
  ImportOptions& options = arguments->options;
  command.add_option("-o,--out", arguments->out, "Data set file to write (.h5)")->required();
  command.add_option("--name", options.name, "Name of the data set (default: the file's)");
  const auto [height, width] = options.slicing.size;
  command.add_option("--size", arguments->size,
                     "Crop or pad slices to HxW, 0 keeps a side (default " +
                         std::to_string(height) + "x" + std::to_string(width) + ")");
  command
      .add_option("--split", options.split.method,
                  "auto (the paper's list where its subjects are present, else a draw), paper, "
                  "seeded, all-train, or a CSV with the columns subject and split")
      ->capture_default_str();
  command.add_option("--test", options.split.test_subjects, "Ids of the test subjects")
      ->delimiter(',');
  command.add_option("--test-count", options.split.test_count,
                     "Draw so many test subjects (default: a fifth)");
  command.add_option("--split-seed", options.split.seed, "Seed of that draw");
  command.add_option("--labels", options.label_names, "Names of labels 0, 1, ...")->delimiter(',');
  command.add_option("--group", arguments->groups,
                     "NAME=LABEL,...: report Dice-NAME of these labels together; may be repeated");
  command.add_option("--slice-axis", options.slicing.slice_axis, "Stored axis of slices: 0, 1, 2")
      ->capture_default_str();
  command.add_option("--threads", options.threads, "Subjects read at once (default: cores, to 8)")
      ->check(CLI::Range(1, 1024));
}

void run_import(ImportArguments& arguments, const std::function<ImportReport()>& import) {
  if (!arguments.size.empty()) arguments.options.slicing.size = parse_sides<2>(arguments.size);
  const std::vector<std::string>& labels = arguments.options.label_names;
  std::erase_if(arguments.options.label_groups, [&](const LabelGroup& group) {
    return group.labels.back() >= static_cast<int>(labels.size());
  });
  for (const std::string& group : arguments.groups) {
    const auto cut = group.find('=');
    if (cut == std::string::npos) throw_invalid("--group " + group + ": must be NAME=LABEL,...");
    std::istringstream list(group.substr(cut + 1));
    std::vector<std::string> members;
    for (std::string label; std::getline(list, label, ',');) members.push_back(label);
    add_label_group(arguments.options, group.substr(0, cut), members);
  }
  arguments.options.progress = progress_bar("import");
  print_report(std::cout, arguments.out, import());
}

void add_import(CLI::App& data) {
  CLI::App* import = data.add_subcommand("import", "Make a data set file of medical volumes");
  import->require_subcommand(1);
  for (const Reader& one : readers()) {
    const auto arguments = std::make_shared<ImportArguments>();
    arguments->options = one.options;
    CLI::App* command = import->add_subcommand(one.name, one.help);
    command->add_option("source", arguments->source, "Folder that holds the subjects")->required();
    add_common_options(*command, arguments);
    command->callback([arguments, name = one.name] {
      run_import(*arguments, [&] {
        return import_folder(name, arguments->source, arguments->options, arguments->out);
      });
    });
  }

  const auto generic = std::make_shared<ImportArguments>();
  CLI::App* command =
      import->add_subcommand("generic", "Volumes listed in a CSV: subject,split,image,label");
  command->add_option("source", generic->source, "The CSV file")->required();
  command->add_option("--root", generic->root, "Folder of the paths (default: the CSV's folder)");
  command->add_flag("--drop-empty", generic->options.slicing.drop_empty_images,
                    "Drop slices whose image sums to 0");
  command->add_option("--label-sum-above", generic->options.slicing.label_sum_above,
                      "Keep slices whose label values sum to more (0 drops unlabelled slices)");
  command->add_flag("--allow-missing-label", generic->options.allow_missing_label,
                    "An empty label column means all background");
  command->add_flag("--allow-mixed-orientation", generic->options.allow_mixed_orientation,
                    "Take volumes whose axes point elsewhere than the first one's");
  add_common_options(*command, generic);
  command->callback([generic] {
    run_import(*generic, [&] {
      std::filesystem::path root = generic->root;
      if (root.empty()) root = std::filesystem::path(generic->source).parent_path();
      if (root.empty()) root = ".";
      return import_generic(generic->source, root, generic->options, generic->out);
    });
  });
}

void print_info(const DatasetInfo& set) {
  std::cout << printable(set.name) << " (" << printable(set.importer) << "), " << set.count
            << " slices of " << set.channels << " x " << set.height << " x " << set.width << ", "
            << to_string(set.element) << "\n  digest: " << printable(set.digest)
            << "\n  options: " << printable(set.options) << "\n  labels:";
  for (const std::string& label : set.label_names) std::cout << " " << printable(label);
  std::cout << "\n  groups:";
  for (const LabelGroup& group : set.label_groups) {
    std::cout << " " << printable(group.name) << " =";
    for (const int label : group.labels) std::cout << " " << printable(set.label_names[label]);
    std::cout << (&group == &set.label_groups.back() ? "" : ";");
  }
  std::cout << "\n  sources: " << set.sources.size() << " files\n";
  std::vector<int> slices(set.subjects.size());
  for (const int subject : set.slice_subject) ++slices[subject];
  for (std::size_t i = 0; i < set.subjects.size(); ++i) {
    const SubjectRecord& subject = set.subjects[i];
    std::cout << "  " << printable(subject.split) << " " << printable(subject.id) << ": "
              << slices[i] << " slices, " << subject.voxel_mm[0] << " x " << subject.voxel_mm[1]
              << " x " << subject.voxel_mm[2] << " mm, range";
    for (std::size_t c = 0; c < subject.minimum.size(); ++c) {
      std::cout << " " << subject.minimum[c] << ".." << subject.maximum[c];
    }
    std::cout << "\n";
  }
}

void view(const std::string& path, std::string out, const SheetOptions& options) {
  const DatasetFile file = DatasetFile::open(path);
  if (out.empty()) out = std::filesystem::path(path).replace_extension(".png").string();
  const Sheet sheet = make_sheet(file, options);
  write_png(out, sheet);
  std::cout << "wrote " << out << ": " << sheet.cells.size() << " slices of " << options.split
            << ", each as its " << file.info().channels << " channel(s) and its labels\n";
  for (int label = 1; label < static_cast<int>(file.info().label_names.size()); ++label) {
    const auto [red, green, blue] = label_colour(label);
    std::cout << "  " << printable(file.info().label_names[label]) << ": rgb(" << int{red} << ", "
              << int{green} << ", " << int{blue} << ")\n";
  }
  for (const SheetCell& cell : sheet.cells) {
    std::cout << "  " << printable(cell.subject) << " slice " << cell.slice << "\n";
  }
}

void add_view(CLI::App& data) {
  struct Arguments {
    std::string file;
    std::string out;
    SheetOptions options;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      data.add_subcommand("view", "Draw a contact sheet of slices and labels (PNG)");
  command->add_option("file", arguments->file, "Data set file")->required();
  command->add_option("-o,--out", arguments->out, "Picture (default: the file with .png)");
  command->add_option("--split", arguments->options.split, "train or test")->capture_default_str();
  command->add_option("--slices", arguments->options.slices, "How many")->capture_default_str();
  command->callback([arguments] { view(arguments->file, arguments->out, arguments->options); });
}

}  // namespace

void add_data_commands(CLI::App& data) {
  data.require_subcommand(1);
  add_phantom(data);
  add_import(data);
  add_view(data);
  const auto shown = std::make_shared<std::string>();
  CLI::App* show = data.add_subcommand("info", "Show what a data set file holds");
  show->add_option("file", *shown, "Data set file")->required();
  show->callback([shown] { print_info(info(*shown)); });
  const auto verified = std::make_shared<std::string>();
  CLI::App* check = data.add_subcommand("verify", "Recompute a data set file's content digest");
  check->add_option("file", *verified, "Data set file")->required();
  check->callback([verified] {
    verify(*verified);
    std::cout << *verified << ": whole, digest " << info(*verified).digest << "\n";
  });
}

}  // namespace reprise::datasets
