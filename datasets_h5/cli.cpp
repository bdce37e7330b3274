#include "datasets_h5/cli.h"

#include <charconv>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "datasets_h5/dataset_file.h"
#include "datasets_h5/importer.h"
#include "datasets_h5/phantom.h"
#include "sweep/error.h"

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
  struct Arguments {
    std::string out;
    std::string size = "128x160x24";
    PhantomOptions options;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* phantom = data.add_subcommand("phantom", "Make synthetic volumes");
  phantom->require_subcommand(1);
  CLI::App* brain = phantom->add_subcommand("brain", "Brains in the OASIS-1 folder layout");
  brain->add_option("-o,--out", arguments->out, "Folder to fill")->required();
  brain->add_option("--subjects", arguments->options.subjects, "Number of brains");
  brain->add_option("--size", arguments->size, "Voxels XxYxZ");
  brain->add_option("--seed", arguments->options.seed, "Seed of the anatomy");
  brain->callback([arguments] {
    arguments->options.size = parse_sides<3>(arguments->size);
    const auto ids = write_brain_phantom(arguments->out, arguments->options);
    std::cout << "wrote " << ids.size() << " brains to " << arguments->out << "\n";
  });
}

struct ImportArguments {
  std::string source;
  std::string root;
  std::string out;
  std::string size;
  ImportOptions options;
};

void add_common_options(CLI::App& command, const std::shared_ptr<ImportArguments>& arguments) {
  ImportOptions& options = arguments->options;
  command.add_option("-o,--out", arguments->out, "Data set file to write (.h5)")->required();
  command.add_option("--name", options.name, "Name of the data set");
  command.add_option("--size", arguments->size, "Crop or pad slices to HxW (0 keeps a side)");
  command.add_option("--test", options.split.test_subjects, "Ids of the test subjects")
      ->delimiter(',');
  command.add_option("--test-count", options.split.test_count, "Draw so many test subjects");
  command.add_option("--split-seed", options.split.seed, "Seed of that draw");
  command.add_option("--labels", options.label_names, "Names of labels 0, 1, ...")->delimiter(',');
  command.add_option("--slice-axis", options.slicing.slice_axis, "Stored axis of slices: 0, 1, 2");
}

void print_report(const std::string& out, const ImportReport& report) {
  std::cout << "wrote " << out << "\n  train: " << report.train_subjects << " volumes, "
            << report.train_slices << " slices\n  test: " << report.test_subjects << " volumes, "
            << report.test_slices << " slices\n  slices: " << report.channels << " x "
            << report.height << " x " << report.width << "\n  digest: " << report.digest << "\n";
}

void add_import(CLI::App& data) {
  CLI::App* import = data.add_subcommand("import", "Make a data set file of medical volumes");
  import->require_subcommand(1);

  const auto oasis = std::make_shared<ImportArguments>();
  oasis->options = oasis_options();
  CLI::App* command = import->add_subcommand("oasis", "OASIS-1 folders (Analyze 7.5 or NIfTI-1)");
  command->add_option("source", oasis->source, "Folder that holds the subjects")->required();
  add_common_options(*command, oasis);
  command->callback([oasis] {
    if (!oasis->size.empty()) oasis->options.slicing.size = parse_sides<2>(oasis->size);
    print_report(oasis->out, import_oasis(oasis->source, oasis->options, oasis->out));
  });

  const auto generic = std::make_shared<ImportArguments>();
  command = import->add_subcommand("generic", "Volumes listed in a CSV: subject,split,image,label");
  command->add_option("source", generic->source, "The CSV file")->required();
  command->add_option("--root", generic->root, "Folder of the paths (default: the CSV's folder)");
  command->add_flag("--drop-empty", generic->options.slicing.drop_empty_images,
                    "Drop slices whose image sums to 0");
  command->add_option("--label-sum-above", generic->options.slicing.label_sum_above,
                      "Keep slices whose label values sum to more (0 drops unlabelled slices)");
  command->add_flag("--allow-missing-label", generic->options.allow_missing_label,
                    "An empty label column means all background");
  add_common_options(*command, generic);
  command->callback([generic] {
    if (!generic->size.empty()) generic->options.slicing.size = parse_sides<2>(generic->size);
    std::filesystem::path root = generic->root;
    if (root.empty()) root = std::filesystem::path(generic->source).parent_path();
    if (root.empty()) root = ".";
    print_report(generic->out,
                 import_generic(generic->source, root, generic->options, generic->out));
  });
}

void print_info(const DatasetInfo& set) {
  std::cout << set.name << " (" << set.importer << "), " << set.count << " slices of "
            << set.channels << " x " << set.height << " x " << set.width << ", "
            << to_string(set.element) << "\n  digest: " << set.digest
            << "\n  options: " << set.options << "\n  labels:";
  for (const std::string& label : set.label_names) std::cout << " " << label;
  std::cout << "\n  sources: " << set.sources.size() << " files\n";
  for (std::size_t i = 0; i < set.subjects.size(); ++i) {
    const SubjectRecord& subject = set.subjects[i];
    const auto slices =
        std::count(set.slice_subject.begin(), set.slice_subject.end(), static_cast<int>(i));
    std::cout << "  " << subject.split << " " << subject.id << ": " << slices << " slices, range";
    for (std::size_t c = 0; c < subject.minimum.size(); ++c) {
      std::cout << " " << subject.minimum[c] << ".." << subject.maximum[c];
    }
    std::cout << "\n";
  }
}

}  // namespace

void add_data_commands(CLI::App& data) {
  data.require_subcommand(1);
  add_phantom(data);
  add_import(data);
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
